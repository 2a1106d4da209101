"""From a model to its report: fakes through a file and back, real records beside them, all metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

from gankit.evaluation.looks import keep_look
from gankit.evaluation.perceiving import PERCEPTION_NAME, Perception, load_perception, perceive
from gankit.evaluation.reporting import num_fakes, report_on
from gankit.evaluation.rivals import keep_rival
from gankit.evaluation.tables import figure_of_one_number

__all__ = [
    "PERCEPTION_NAME",
    "Perception",
    "figure_of_one_number",
    "keep_look",
    "keep_rival",
    "load_perception",
    "num_fakes",
    "perceive",
    "report_on",
]
