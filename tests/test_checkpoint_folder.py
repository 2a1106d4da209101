"""The run folder: whole files or none, damage noticed, nothing doubled."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.errors import ModelError, OutputError
from gankit.io.atomic import write_atomically
from gankit.model.files import read_safetensors, write_safetensors
from gankit.run import folder as checkpoint
from gankit.run.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", {"seed": 7})


def save(run: RunFolder, step: int) -> None:
    run.save_checkpoint(
        step, {"w": torch.full((3, 2), step / 7), "n": torch.tensor(step)}, {"step": step, "pi": 0.1 + 0.2}
    )


def test_a_checkpoint_comes_back_to_the_bit(run: RunFolder) -> None:
    save(run, 25)
    found = run.load_checkpoint()
    assert found.step == 25 and found.notes == ()
    assert torch.equal(found.tensors["w"], torch.full((3, 2), 25 / 7))
    assert found.tensors["n"].item() == 25 and found.tensors["n"].shape == ()
    assert found.state == {"step": 25, "pi": 0.1 + 0.2}


def test_the_newest_checkpoint_is_taken_and_old_ones_are_dropped(run: RunFolder) -> None:
    for step in (25, 50, 1_000_000_000):
        save(run, step)
    assert [step for step, _ in run.checkpoints()] == [50, 1_000_000_000]
    assert run.load_checkpoint().step == 1_000_000_000


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_checkpoint_is_passed_over_with_a_note(run: RunFolder, share: float) -> None:
    save(run, 25)
    save(run, 50)
    path = run.checkpoints()[-1][1]
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    found = run.load_checkpoint()
    assert found.step == 25
    assert len(found.notes) == 1 and str(path) in found.notes[0] and "damaged" in found.notes[0]


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(tmp_path_factory: pytest.TempPathFactory, where: float, bit: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "x.safetensors"
    write_safetensors(path, {"w": torch.arange(6.0)}, {"format_version": "1", "state": "{}"})
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        tensors, metadata = read_safetensors(path)
    except ModelError:
        return
    # spaces that pad the header may become other white space, which changes nothing
    assert torch.equal(tensors["w"], torch.arange(6.0)) and metadata == {"format_version": "1", "state": "{}"}


def test_with_every_checkpoint_damaged_the_error_says_so(run: RunFolder) -> None:
    save(run, 25)
    run.checkpoints()[0][1].write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"every checkpoint .* is damaged.*anew"):
        run.load_checkpoint()


def test_a_run_without_a_checkpoint_says_so(run: RunFolder) -> None:
    with pytest.raises(ModelError, match="no checkpoint yet"):
        run.load_checkpoint()


def test_a_checkpoint_of_a_newer_version_is_refused_even_beside_an_old_one(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(run, 25)
    monkeypatch.setattr(checkpoint, "FORMAT_VERSION", 3)
    save(run, 50)
    monkeypatch.undo()
    with pytest.raises(ModelError, match=r"newer gankit \(format 3; this one reads up to 2\).*pip install --upgrade"):
        run.load_checkpoint()


def test_a_config_of_a_newer_version_is_refused(run: RunFolder) -> None:
    run.config_path.write_text(json.dumps({"format_version": 99, "seed": 7}))
    with pytest.raises(ModelError, match="newer gankit"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"seed": 7}', '{"format_version": "x"}'])
def test_a_damaged_config_is_refused(run: RunFolder, content: str) -> None:
    run.config_path.write_text(content)
    with pytest.raises(ModelError, match="damaged"):
        RunFolder.open(run.path)


def test_the_config_comes_back(run: RunFolder) -> None:
    assert RunFolder.open(run.path).config() == {"seed": 7}


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a run folder"):
        RunFolder.open(tmp_path)
    with pytest.raises(ModelError, match="not a run folder"):
        RunFolder.open(tmp_path / "nowhere")


def test_a_run_is_never_overwritten(run: RunFolder) -> None:
    with pytest.raises(OutputError, match=r"already holds a run.*--resume"):
        RunFolder.create(run.path, {"seed": 8})
    assert run.config() == {"seed": 7}


def test_a_file_in_the_place_of_the_folder_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        RunFolder.create(tmp_path / "taken", {})
    assert (tmp_path / "taken").read_text() == "mine"


def test_no_space_left_leaves_what_was_there_and_no_temporary_file(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(run, 25)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"no space left on the device.*--resume"):
        save(run, 50)
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_log_is_said(run: RunFolder) -> None:
    run.log_path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="no space left"):
        run.log({"step": 1})


def test_the_same_content_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys, torch; from pathlib import Path; from gankit.run.folder import write_safetensors\n"
        "write_safetensors(Path(sys.argv[1]), {'b': torch.ones(3), 'a': torch.zeros(())}, dict(zip('zxyw', '1234')))"
    )
    paths = [tmp_path / str(i) for i in range(2)]
    for path in paths:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert len({path.read_bytes() for path in paths}) == 1


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two" and list(path.parent.iterdir()) == [path]


def test_the_log_drops_a_truncated_last_line_and_cuts_what_a_resumed_run_will_write_again(run: RunFolder) -> None:
    for step in (25, 50, 75):
        run.log({"step": step, "gap": step / 3})
    with open(run.log_path, "ab") as file:
        file.write(b'{"step": 100, "ga')
    assert [e["step"] for e in run.read_log()] == [25, 50, 75]
    run.cut_log(50)
    run.log({"step": 75, "gap": 25.0})
    assert run.read_log() == [{"step": 25, "gap": 25 / 3}, {"step": 50, "gap": 50 / 3}, {"step": 75, "gap": 25.0}]
    assert run.log_path.read_bytes().count(b"\n") == 3


def test_a_log_that_is_not_there_is_empty(run: RunFolder) -> None:
    assert run.read_log() == []


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda t: t != "__metadata__"),
        st.lists(st.floats(width=32), max_size=5),
        max_size=4,
    ),
    st.dictionaries(st.text(max_size=5).filter(lambda t: t not in ("sha256", "format_version")), st.text(), max_size=3),
)
def test_tensors_and_texts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, list[float]], metadata: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("trip") / "x.safetensors"
    tensors = {name: torch.tensor(v, dtype=torch.float32) for name, v in values.items()}
    write_safetensors(path, tensors, metadata)
    found, its = read_safetensors(path)
    assert its == metadata and set(found) == set(tensors)
    assert all(found[n].numpy().tobytes() == tensors[n].numpy().tobytes() for n in tensors)
