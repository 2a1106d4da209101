"""From a model to its report: fakes through a file and back, real records beside them, all metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

from gankit.evaluation.perceiving import PERCEPTION_NAME, Perception, load_perception, perceive
from gankit.evaluation.tables import LEAST_FAKES, figure_of_one_number, report_on

__all__ = [
    "LEAST_FAKES",
    "PERCEPTION_NAME",
    "Perception",
    "figure_of_one_number",
    "load_perception",
    "perceive",
    "report_on",
]
