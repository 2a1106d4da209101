"""The log of a run on the page: followed while it grows, torn, cut, damaged; and its curves, thinned."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from web_examples import append, evaluation, update, written_run

from gankit.web.folders.curves import curves, rows
from gankit.web.folders.log import Log
from gankit.web.folders.tail import BLOCK
from gankit.web.plain import as_json, listed


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return written_run(tmp_path / "run", *(update(i) for i in range(1, 4)))


def test_a_log_that_grows_is_read_on_from_where_it_was_left(run: Path) -> None:
    log = Log(run / "log.jsonl")
    assert log.refresh() and len(log) == log.lines == 3
    assert not log.refresh()
    append(run, update(4), evaluation(5, 0.5))
    assert log.refresh()
    assert (len(log), log.lines, log.generation) == (5, 5, 0)
    assert log.evaluations[0]["metric"] == 0.5
    assert log.samples.tolist() == [100, 200, 300, 400, 500]


def test_a_torn_last_line_is_left_for_later(run: Path) -> None:
    whole = json.dumps(update(4)) + "\n"
    with (run / "log.jsonl").open("a") as file:
        file.write(whole[:40])
    log = Log(run / "log.jsonl")
    log.refresh()
    assert len(log) == 3
    with (run / "log.jsonl").open("a") as file:
        file.write(whole[40:])
    log.refresh()
    assert len(log) == 4


@pytest.mark.parametrize(
    "line", ["{", "[1]", "null", '{"samples": "many"}', '{"samples": NaN}', "\x00\xff", "9" * 5000]
)
def test_lines_that_cannot_be_read_are_passed_over(run: Path, line: str) -> None:
    with (run / "log.jsonl").open("a", encoding="latin-1") as file:
        file.write(line + "\n")
    append(run, update(4))
    log = Log(run / "log.jsonl")
    log.refresh()
    assert log.samples.tolist() == [100, 200, 300, 400]


def test_fields_of_another_type_are_no_numbers(run: Path) -> None:
    append(run, update(4, d_loss="low", scores=[1], alarms="none", metric=True, phase=7))
    log = Log(run / "log.jsonl")
    log.refresh()
    assert math.isnan(log.columns["d_loss"][-1]) and not log.evaluations


def test_a_log_that_a_resumed_run_cut_is_read_anew(run: Path) -> None:
    log = Log(run / "log.jsonl")
    log.refresh()
    lines = (run / "log.jsonl").read_text().splitlines(keepends=True)
    (run / "new").write_text("".join(lines[:2]))
    (run / "new").replace(run / "log.jsonl")
    append(run, *(update(i, g_loss=9.0) for i in range(3, 6)))
    log.refresh()
    assert log.generation == 1
    assert log.samples.tolist() == [100, 200, 300, 400, 500]
    assert log.columns["g_loss"][2] == 9.0


def test_a_log_that_vanishes_is_an_empty_one(run: Path) -> None:
    log = Log(run / "log.jsonl")
    log.refresh()
    (run / "log.jsonl").unlink()
    assert log.refresh() and len(log) == 0
    assert not log.refresh()


def test_a_log_beyond_a_block_is_read_whole_and_a_giant_line_is_passed_over(run: Path) -> None:
    append(run, update(4, note="x" * BLOCK), *(update(i) for i in range(5, 20)))
    log = Log(run / "log.jsonl")
    log.refresh()
    assert len(log) == 19


def test_a_brief_log_looks_into_evaluations_and_the_last_line_alone(tmp_path: Path) -> None:
    lines = (evaluation(i, 0.5) if i % 1000 == 0 else update(i) for i in range(1, 10_001))
    run = written_run(tmp_path / "run", *lines)
    log = Log(run / "log.jsonl", brief=True)
    log.refresh()
    assert log.lines <= 30
    assert len(log.evaluations) == 10 and log.last["step"] == 10_000
    append(run, update(10_001))
    before = log.lines
    log.refresh()
    assert log.lines <= before + 2 and log.samples.tolist() == [1_000_100]


def test_ten_thousand_updates_are_looked_into_once_and_drawn_with_as_many_points_as_were_asked_for(
    tmp_path: Path,
) -> None:
    run = written_run(
        tmp_path / "run", *(update(i, d_loss=5.0 if i == 7777 else 0.5 + i % 2 / 100) for i in range(1, 10_001))
    )
    log = Log(run / "log.jsonl")
    log.refresh()
    assert log.lines == 10_000
    drawn = curves(log, 600)
    assert len(drawn["samples"]) == len(drawn["d_loss"]) == 600
    assert max(drawn["d_loss"]) == 5.0 and min(drawn["d_loss"]) == 0.5
    assert drawn["samples"][0] == 100 and drawn["samples"][-1] == 1_000_000
    assert log.lines == 10_000
    assert len(as_json(drawn)) < 100_000


def test_thinned_curves_keep_the_least_and_the_largest_of_every_stretch_in_their_order(tmp_path: Path) -> None:
    values = np.sin(np.arange(1000) ** 1.5).tolist()
    run = written_run(tmp_path / "run", *(update(i + 1, gap=v) for i, v in enumerate(values)))
    log = Log(run / "log.jsonl")
    log.refresh()
    drawn = curves(log, 100)["gap"]
    for k in range(50):
        stretch = values[20 * k : 20 * k + 20]
        least, largest = (listed([f(stretch)])[0] for f in (min, max))
        in_order = [least, largest] if stretch.index(min(stretch)) < stretch.index(max(stretch)) else [largest, least]
        assert drawn[2 * k : 2 * k + 2] == in_order


def test_a_part_of_the_curves_has_a_point_more_at_each_side(run: Path) -> None:
    append(run, *(update(i) for i in range(4, 11)))
    log = Log(run / "log.jsonl")
    log.refresh()
    assert curves(log, begin=400, end=600)["samples"] == [300, 400, 500, 600, 700]
    assert curves(log, begin=2000)["samples"] == [1000]


def test_curves_of_an_empty_log_and_of_numbers_that_are_missing(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.refresh()
    assert curves(log)["samples"] == [] and curves(log)["events"] == []
    run = written_run(tmp_path / "run", *(update(i, d_loss=None, phase="likelihood") for i in range(1, 50)))
    log = Log(run / "log.jsonl")
    log.refresh()
    drawn = curves(log, 10)
    assert drawn["d_loss"] == [None] * 10
    assert drawn["phase"] == [["likelihood", 0.0, 4900.0]]


def test_the_speed_stands_in_a_file_beside(run: Path) -> None:
    speeds = [{"samples": 100 * i, "samples_per_second": 50.0 * i, "seconds_left": 9.0 - i} for i in (1, 3)]
    (run / "speed.jsonl").write_text("".join(json.dumps(s) + "\n" for s in speeds))
    log = Log(run / "log.jsonl")
    log.refresh()
    assert curves(log)["speed"] == [50.0, None, 150.0]
    assert log.seconds_left == 6.0
    brief = Log(run / "log.jsonl", brief=True)
    brief.refresh()
    assert brief.seconds_left == 6.0


def test_alarms_are_events_with_their_remedies(run: Path) -> None:
    alarm = "G has collapsed: its fakes spread 10% as widely. Lower --learning-rate, or use a larger --batch."
    append(run, evaluation(4, 0.5, alarms=[alarm]), update(5, rolled_back=True, alarms=["it became NaN. Train less."]))
    append(run, update(6, planned_samples=5000), {"step": 6, "event": "finished", "seconds": 75.0})
    log = Log(run / "log.jsonl")
    log.refresh()
    events = list(log.events)
    assert [e["kind"] for e in events] == ["alarm", "best", "rollback", "planned", "finished"]
    assert events[0]["text"] == "G has collapsed: its fakes spread 10% as widely."
    assert events[0]["remedy"] == "Lower --learning-rate, or use a larger --batch."
    assert log.finished and log.total_samples == 5000 and "1 min 15 s" in events[-1]["text"]


def test_new_rows_are_what_a_page_adds_to_its_curves(run: Path) -> None:
    append(run, evaluation(4, 0.5))
    log = Log(run / "log.jsonl")
    log.refresh()
    (row,) = rows(log, 3)
    drawn = curves(log)
    assert {name: drawn[name][-1] for name in row.keys() & drawn.keys() - {"phase", "events"}} == {
        name: value for name, value in row.items() if name in drawn and name not in ("phase", "events")
    }
    assert row["phase"] == "game" and row["evaluation"]["metric"] == 0.5 and row["events"][0]["kind"] == "best"
    assert rows(log, 4) == []


def test_json_has_no_infinities_and_no_halves_of_characters() -> None:
    assert as_json({"a": [math.inf, -math.inf, math.nan, 1.5], "b": "\ud800"}) == b'{"a":[null,null,null,1.5],"b":"?"}'


def test_numbers_are_short() -> None:
    assert listed(np.array([[0.1 + 0.2, 1e-7 / 3], [math.nan, 12345678.0]]), 4) == [[0.3, 3.333e-8], [None, 12350000.0]]
    assert listed([]) == []
