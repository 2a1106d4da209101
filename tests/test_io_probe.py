"""A source is opened once to be recognised and read, whatever it is and however many kinds look at it."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.probe import Probe
from gankit.kinds import prepare

_watched: list[Counter[str]] = []
_hooked = False


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("open", "os.scandir", "os.listdir") and isinstance(arguments[0], str | os.PathLike):
        _watched[-1][os.fspath(arguments[0])] += 1


@pytest.fixture
def opens() -> Iterator[Counter[str]]:
    """How often each path was opened, or its folder listed. Python keeps hooks for ever: there is one."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_note)
        _hooked = True
    _watched.append(Counter())
    yield _watched[-1]
    _watched.pop()


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def a_csv(folder: Path) -> Path:
    path = folder / "data.csv"
    path.write_text("age,city\n" + "".join(f"{20 + i % 30},{'ab'[i % 2]}\n" for i in range(60)))
    return path


def a_text(folder: Path) -> Path:
    path = folder / "names.txt"
    path.write_text("".join(f"name{'abcdefghij'[i % 10]}{'klmnop'[i // 10]}{'xyz' * (i % 3)}\n" for i in range(60)))
    return path


def a_table_in_txt(folder: Path) -> Path:
    path = folder / "data.txt"
    path.write_text("a\tb\n" + "".join(f"{i}\t{i % 7}.5\n" for i in range(60)))
    return path


def a_ucr(folder: Path) -> Path:
    path = folder / "Wave_TRAIN.tsv"
    rows = np.sin(np.arange(20) + np.arange(12)[:, None])
    path.write_text("".join(f"{i % 2}\t" + "\t".join(f"{v:.4f}" for v in row) + "\n" for i, row in enumerate(rows)))
    return path


def an_npz(folder: Path) -> Path:
    path = folder / "digits.npz"
    np.savez(path, x=np.arange(6 * 64, dtype=np.uint8).reshape(6, 8, 8), y=np.array([0, 1] * 3))
    return path


def vectors(folder: Path) -> Path:
    path = folder / "points.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 3)))
    return path


def a_zip(folder: Path) -> Path:
    path = folder / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(6):
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", png(i * 40))
    return path


def a_packed_table(folder: Path) -> Path:
    path = folder / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(a_csv(folder), "data.csv")
    return path


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (a_csv, "table"), (a_text, "text"), (a_table_in_txt, "table"), (a_ucr, "series"), (an_npz, "image"),
        (vectors, "vector"), (a_zip, "image"), (a_packed_table, "table"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("said", [False, True])
def test_a_file_is_opened_once(
    tmp_path: Path, opens: Counter[str], make: Callable[[Path], Path], kind: str, said: bool
) -> None:
    path = make(tmp_path)
    opens.clear()
    prepared = prepare(path, TrainConfig(kind=kind if said else "auto"), [])
    assert prepared.kind.name == kind
    assert opens[str(path)] == 1


def test_a_folder_is_walked_once_and_its_files_are_opened_for_their_sizes_and_pixels(
    tmp_path: Path, opens: Counter[str]
) -> None:
    for i in range(6):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[i % 2] / f"{i}.png").write_bytes(png(i * 40))
    opens.clear()
    assert prepare(tmp_path, TrainConfig(), []).kind.name == "image"
    assert opens[str(tmp_path)] == opens[str(tmp_path / "a")] == 1
    assert max(opens[str(tmp_path / "a" / name)] for name in ("0.png", "2.png", "4.png")) <= 2


def test_what_a_probe_opened_is_closed_in_the_end(tmp_path: Path) -> None:
    with Probe(a_zip(tmp_path)) as probe:
        stream, files = probe.stream(), probe.files
        assert files is not None and len(files.names) == 6 and probe.head[:2] == b"PK"
    assert stream.closed
    with Probe(tmp_path / "faces.zip" / "a") as probe:
        assert probe.files is not None and probe.files.names == ["0.png", "2.png", "4.png"]
        assert probe.file == tmp_path / "faces.zip" and probe.part == "a"
    with Probe(tmp_path / "faces.zip" / "a" / "0.png") as probe:
        assert probe.collection is not None and probe.collection.chosen == "0.png"
        with pytest.raises(DataError, match=r"holds no folder 'a/0\.png'"):
            _ = probe.files


def test_a_probe_of_nothing_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for path, said in (("emty.csv", r"there is no file.*Did you mean 'empty\.csv'"), ("empty.csv", "is empty")):
        with pytest.raises(DataError, match=said), Probe(tmp_path / path) as probe:
            probe.data()
    with pytest.raises(OptionError, match="is too long for this system"):
        Probe("x" * 5000)


def test_tensors_and_datasets_of_pytorch_are_arrays_and_pairs() -> None:
    import torch
    from torch.utils.data import IterableDataset, Subset, TensorDataset

    from gankit.io.objects import plain_object

    x, y = torch.randn(6, 3, requires_grad=True), torch.arange(6)
    images = torch.rand(6, 1, 4, 4)
    assert np.array_equal(plain_object(x), x.detach().numpy())
    assert np.array_equal(plain_object(TensorDataset(x)), x.detach().numpy())
    rows = plain_object(Subset(TensorDataset(x, y), [4, 2]))
    assert list(rows) == ["x0", "x1", "x2", "label"] and rows["label"].tolist() == [4, 2]
    pair = plain_object(TensorDataset(images, y))
    assert pair[0].shape == (6, 1, 4, 4) and pair[1].tolist() == [0, 1, 2, 3, 4, 5]
    assert plain_object(frame := [1, 2]) is frame

    class Endless(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            return iter(())

    with pytest.raises(DataError, match="must have a length"):
        plain_object(Endless())


def test_datasets_of_hugging_face_are_tables_and_dictionaries_of_them_are_refused() -> None:
    """By classes that stand for those of the package `datasets`, which is no dependency."""
    from gankit.io.objects import plain_object

    class Dataset:
        features: ClassVar = {"a": object()}

        def with_format(self, name: str) -> Dataset:
            assert name == "arrow"
            return self

        def __getitem__(self, rows: slice) -> pa.Table:
            return pa.table({"a": [1, 2, 3]})[rows]

    class DatasetDict(dict[str, Any]):
        pass

    for stand_in, module in ((Dataset, "arrow_dataset"), (DatasetDict, "dataset_dict")):
        stand_in.__module__, stand_in.__qualname__ = f"datasets.{module}", stand_in.__name__
    assert plain_object(Dataset()).to_pydict() == {"a": [1, 2, 3]}
    with pytest.raises(DataError, match="Give one of them"):
        plain_object(DatasetDict(train=Dataset()))
