"""The report room: metrics become words and pictures a person can act on, as one self-contained page and as JSON.

Knows metrics, samples and cards; never the loop. The public names are `build` and `build_pictures`, `Report`,
`players` for recordings, and the figures `figure_1d`, `figure_2014` and `figure_grid`.
"""

from __future__ import annotations

from gankit.report.audio_players import players
from gankit.report.figure1 import figure_1d
from gankit.report.parts import Section
from gankit.report.picture_panels import figure_2014, figure_grid
from gankit.report.picture_report import build_pictures
from gankit.report.report import Report, build

__all__ = ["Report", "Section", "build", "build_pictures", "figure_1d", "figure_2014", "figure_grid", "players"]
