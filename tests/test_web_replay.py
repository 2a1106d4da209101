"""A run as one file: what is in it, that it loads nothing, that its hashes fit, and that it stays small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_web_runs import form
from web_examples import asking, evaluation, image_previews, static_files, update, written_run

from gankit.errors import OutputError
from gankit.web import replay as replays
from gankit.web.folders.runs import Runs
from gankit.web.replay import MOST_BYTES, STATIC, replay


@pytest.fixture
def static(tmp_path: Path) -> Path:
    return static_files(tmp_path / "static")


def made(run: Path, static: Path) -> tuple[str, dict[str, Any]]:
    """The page and what is embedded in it."""
    content = replay(run.name, run, Runs([run]), static)
    assert len(content) <= MOST_BYTES
    page = content.decode()
    data = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    return page, json.loads(data[1])


def test_a_replay_holds_the_run_and_the_page_in_one_file(tmp_path: Path, static: Path) -> None:
    run = written_run(
        tmp_path / "run", *(evaluation(i, i / 10) for i in range(1, 11)), heldout="/disk/of/somebody/test.csv"
    )
    image_previews(run, [0, 500, 1000])
    page, data = made(run, static)
    assert data["summary"]["name"] == "run" and data["summary"]["metric"]["best"] == 1.0
    assert len(data["curves"]["samples"]) == 10
    assert [s["samples"] for s in data["previews"]["steps"]] == [0, 500, 1000]
    assert set(data["records"]) == {"0", "500", "1000", "real"}
    assert data["records"]["0"].startswith("data:image/png;base64,")
    sent = base64.b64decode(data["records"]["500"].partition(",")[2])
    assert sent == (run / "previews" / "000000000500.png").read_bytes()
    assert not any(step["model"] for step in data["previews"]["steps"])
    assert str(tmp_path) not in page and "/disk/of" not in page


def test_a_replay_loads_nothing_and_its_hashes_fit_its_styles_and_script(tmp_path: Path, static: Path) -> None:
    page, _ = made(written_run(tmp_path / "run", update(1)), static)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None and "unsafe" not in policy[1] and policy[1].startswith("default-src 'none'")
    (styles,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    for kind, text in (("style", styles), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1]
    assert "/static/" not in page and "import " not in script and "export " not in script
    assert not re.search(r"\b(src|href)=", page)
    assert script.index("const WORD") < script.index("function main")


def test_hostile_names_stay_text(tmp_path: Path, static: Path) -> None:
    run = written_run(tmp_path / "run", update(1, alarms=["</script><script>alert(1)</script>\u2028"], scores={"a": 1}))
    (form(run, "texts") / "000000000100.json").write_text(json.dumps(["</script><!--", "b"]))
    page, data = made(run, static)
    assert data["records"]["100"]["texts"][0] == "</script><!--"
    assert data["summary"]["alarms"] == ["</script><script>alert(1)</script>\u2028"]
    assert page.count("</script>") == 2 and "alert(1)</script>" not in page and "\u2028" not in page


def test_many_previews_are_thinned_and_the_first_best_and_last_stay(
    tmp_path: Path, static: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(replays, "MOST_BYTES", 300_000)
    run = written_run(tmp_path / "run", evaluation(33, 0.5), update(400, best_metric=0.5, best_samples=3300))
    image_previews(run, [100 * i for i in range(200)] + [3300], side=16)
    page, data = made(run, static)
    kept = [step["samples"] for step in data["previews"]["steps"]]
    assert len(page) <= 300_000
    assert {0, 3300, 19_900} <= set(kept) and 24 <= len(kept) < 200
    assert set(data["records"]) == {*map(str, kept), "real"}


def test_previews_that_are_large_are_made_smaller(tmp_path: Path, static: Path, monkeypatch: Any) -> None:
    from io import BytesIO

    from PIL import Image

    monkeypatch.setattr(replays, "MOST_BYTES", 400_000)
    run = written_run(tmp_path / "run", update(10))
    image_previews(run, [100 * i for i in range(6)], side=96, count=16)
    page, data = made(run, static)
    assert len(page) <= 400_000 and len(data["records"]) == 7
    sheet = Image.open(BytesIO(base64.b64decode(data["records"]["0"].partition(",")[2])))
    assert data["records"]["0"].startswith("data:image/jpeg")
    assert (sheet.width + 1) % 97 == 0 and (sheet.height + 1) % 97 == 0


def test_long_series_are_shown_by_fewer(tmp_path: Path, static: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(replays, "MOST_BYTES", 200_000)
    run = written_run(tmp_path / "run", update(10))
    folder = form(run, "lines")
    for i in range(5):
        np.save(folder / f"{i:012d}.npy", np.random.default_rng(i).normal(size=(16, 100, 3)).astype(np.float32))
    page, data = made(run, static)
    assert len(page) <= 200_000 and 1 <= len(data["records"]["0"]["x"]) < 16


def test_a_damaged_preview_is_left_out(tmp_path: Path, static: Path) -> None:
    run = written_run(tmp_path / "run", update(10))
    folder = form(run, "lines")
    np.save(folder / "000000000000.npy", np.zeros((1, 2, 1), np.float32))
    (folder / "000000000100.npy").write_bytes(b"junk")
    _, data = made(run, static)
    assert [s["samples"] for s in data["previews"]["steps"]] == [0]


def test_a_replay_is_downloaded(tmp_path: Path, static: Path) -> None:
    written_run(tmp_path / "runs" / "run", update(1))
    with asking(tmp_path / "runs", static=static) as page:
        found = page.get("/api/runs/run/replay")
    assert found.status_code == 200 and found.headers["content-type"].startswith("text/html")
    assert found.headers["content-disposition"] == "attachment; filename*=UTF-8''run-replay.html"


@pytest.mark.parametrize("broken", ["index.html", "modules.json", "style.css", "main.js"])
def test_a_page_that_is_not_whole_is_said_in_words(tmp_path: Path, static: Path, broken: str) -> None:
    (static / broken).unlink()
    with pytest.raises(OutputError, match="not whole"):
        replay("run", written_run(tmp_path / "run", update(1)), Runs([tmp_path / "run"]), static)


@pytest.mark.skipif(not (STATIC / "modules.json").exists(), reason="the page is not there")
def test_the_modules_of_the_page_keep_to_what_the_replay_needs() -> None:
    names = json.loads((STATIC / "modules.json").read_text())
    assert sorted(names) == sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
    declared: dict[str, str] = {}
    for number, name in enumerate(names):
        text = (STATIC / name).read_text()
        for line in text.splitlines():
            if line.startswith("import"):
                found = re.fullmatch(r'import \{ ?[\w, ]+ ?\} from "(\.{1,2}/[\w./-]+\.js)";', line)
                assert found, f"{name}: {line}"
                target = (STATIC / name).parent.joinpath(found[1]).resolve().relative_to(STATIC).as_posix()
                assert target in names[:number], f"{name} comes before {target}"
            if line.startswith("export"):
                assert re.match(r"export (async )?(function|const|let|class) ", line), f"{name}: {line}"
        for declares in re.findall(
            r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", text, re.MULTILINE
        ):
            assert declares not in declared, f"{declares} is declared in {declared.get(declares)} and in {name}"
            declared[declares] = name
