"""The report room: metrics become words and pictures a person can act on, as one self-contained page and as JSON.

Knows metrics, samples and cards; never the loop. The public names are `build`, `Report` and `figure_1d`.
"""

from __future__ import annotations

from gankit.report.figure1 import figure_1d
from gankit.report.report import Report, build

__all__ = ["Report", "build", "figure_1d"]
