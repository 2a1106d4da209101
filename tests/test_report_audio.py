"""Players in the report: by class, uncurated, and small enough for the page."""

from __future__ import annotations

import base64
import io
import re

import audio_examples as examples
import numpy as np
from scipy.io import wavfile

from gankit.io.records import Origin
from gankit.kinds.audio.evaluation import MOST_BYTES, players
from gankit.kinds.audio.files import Clips


def clips(count: int, length: int = 512) -> Clips:
    sounds, _ = examples.tones(count, length)
    x = np.zeros((count, length, 1), np.int16)
    for row, one in enumerate(sounds):
        x[row, : len(one)] = one
    return Clips(x, np.array([len(one) for one in sounds]), examples.RATE, None, Origin("folder"))


def test_a_player_holds_the_clip_itself() -> None:
    fake = clips(1)
    (table,) = players(fake, None, None, None, ())
    (data,) = re.findall('base64,([^"]+)"', table.rows[0][1])
    rate, samples = wavfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == examples.RATE
    np.testing.assert_array_equal(samples, fake.x[0, :, 0])


def test_each_class_has_its_own_fakes_beside_its_own_real_ones() -> None:
    fake, real = clips(8), clips(6)
    (table,) = players(fake, np.arange(8) % 2, real, np.arange(6) % 2, ("low", "high"))
    assert [row[0] for row in table.rows] == ["low", "high"]
    low = table.rows[0]
    assert low[1].count("<audio") == 3 and low[2].count("<audio") == 3
    assert "fake of low, number 3" in low[1] and "real audio clip of low" in low[2]


def test_without_real_clips_none_is_shown() -> None:
    (table,) = players(clips(8), np.arange(8) % 2, None, None, ("low", "high"))
    assert len(table.head) == 2 and not any("real audio clip" in cell for row in table.rows for cell in row)


def test_a_class_without_fakes_has_an_empty_cell_and_names_are_escaped() -> None:
    (table,) = players(clips(2), np.zeros(2, int), None, None, ("<b>", "other"))
    assert "&lt;b&gt;" in table.rows[0][1] and "<b>" not in table.rows[0][1]
    assert table.rows[1][1] == "–"


def test_long_clips_give_fewer_players() -> None:
    fake = clips(40, 60_000)
    (table,) = players(fake, np.arange(40) % 10, fake, np.arange(40) % 10, [str(k) for k in range(10)])
    assert sum(len(cell) for row in table.rows for cell in row) < 1.2 * MOST_BYTES
