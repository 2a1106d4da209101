"""CIFAR's batches: the binary, the MATLAB and the Python version, alone, in a folder or in an archive.

Knows these files alone. The Python version is read as a list of operations, of which the few that build plain
containers and NumPy arrays are carried out here: nothing in such a file can call anything.
"""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gankit.errors import DataError
from gankit.io.archives import Collection
from gankit.kinds.images.arrays import Array, read_mat

_PIXELS = 3 * 32 * 32
_BATCH = re.compile(r"(?:.*/)?(data_batch_\d+|test_batch|train|test)(\.bin|\.mat)?$")
_LABEL_KEYS = (("labels", "label"), ("coarse_labels", "superclass"), ("fine_labels", "label"))
_NAME_KEYS = {"labels": "label_names", "fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}
_NAME_FILES = {
    "labels": ("batches.meta.txt",),
    "fine_labels": ("fine_label_names.txt",),
    "coarse_labels": ("coarse_label_names.txt",),
}


def batches_in(names: Sequence[str]) -> list[str]:
    """Those of the names that are CIFAR's batches; `train` and `test` alone count only beside their `meta`."""
    known = {name.rsplit("/", 1)[-1] for name in names}
    found = [name for name in names if _BATCH.match(name)]
    plain = [name for name in found if "batch" in name.rsplit("/", 1)[-1]]
    if plain:
        return plain
    return found if "meta" in known or "fine_label_names.txt" in known else []


def is_batch(name: str, size: int, head: bytes) -> bool:
    """Whether a file is one of CIFAR's batches, by its name and size or first bytes."""
    if not _BATCH.match(name):
        return False
    if name.endswith(".bin"):
        return size % (_PIXELS + 1) == 0 or size % (_PIXELS + 2) == 0
    return "." not in name and head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def read_batches(files: Collection, batches: Sequence[str], notes: list[str]) -> tuple[Array, dict[str, Array]]:
    """The images uint8 [N, 32, 32, 3] of the training batches, and their labels: numbers, or names where known.

    batches: of `batches_in`. The test batch is taken only if it is alone; a note says so.

    Raises:
        DataError: a batch is damaged, or holds something else.
    """
    tests = [name for name in batches if "test" in name.rsplit("/", 1)[-1]]
    taken = [name for name in batches if name not in tests] or tests
    if tests and taken != tests:
        notes.append(
            f"{files.name}: {len(taken)} training batches of CIFAR are taken; the test batch can be held out with "
            f"--heldout {files.name}/{tests[0]}"
        )
    parts = [_batch(files, name, notes) for name in taken]
    x = np.concatenate([x for x, _ in parts])
    keys = [key for key in parts[0][1] if all(key in labels for _, labels in parts)]
    columns = dict(_LABEL_KEYS)
    numbers = {key: np.concatenate([labels[key] for _, labels in parts]) for key in keys}
    return x, {columns[key]: _named(files, key, value) for key, value in numbers.items()}


def _batch(files: Collection, name: str, notes: list[str]) -> tuple[Array, dict[str, Array]]:
    place = f"{files.name}/{name}"
    data = files.read(name)
    if name.endswith(".bin"):
        return _binary(data, place)
    if name.endswith(".mat"):
        found = read_mat(data, place, notes)
        return found.x, dict(zip(("labels",), found.labels.values(), strict=False))
    return _python(data, place)


def _binary(data: bytes, place: str) -> tuple[Array, dict[str, Array]]:
    """Records of one label byte (two for CIFAR-100: coarse and fine) and 3 x 32 x 32 bytes."""
    num_labels = 2 if re.search(r"(train|test)\.bin$", place) else 1
    if not data or len(data) % (_PIXELS + num_labels):
        raise DataError(
            f"{place} has {len(data):,} bytes, which are no whole records of {_PIXELS + num_labels}. It is cut off, or "
            "no batch of CIFAR: take another copy of it."
        )
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, _PIXELS + num_labels)
    keys = ("labels",) if num_labels == 1 else ("coarse_labels", "fine_labels")
    labels = {key: records[:, place].astype(np.int64) for place, key in enumerate(keys)}
    return _upright(records[:, num_labels:]), labels


def _upright(rows: npt.NDArray[np.uint8]) -> Array:
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _python(data: bytes, place: str) -> tuple[Array, dict[str, Array]]:
    content = _texts_as_keys(plain_objects(data, place))
    rows = content.get("data")
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != _PIXELS:
        raise DataError(f"{place} is no batch of CIFAR: it has no data [N, {_PIXELS}] of bytes. Save it as .npz.")
    labels = {key: np.asarray(content[key]) for key, _ in _LABEL_KEYS if isinstance(content.get(key), list)}
    for key, value in labels.items():
        if value.dtype.kind not in "iu" or value.shape != (len(rows),):
            raise DataError(f"{place}: {len(rows):,} images, and {key} are not as many numbers. Take another copy.")
    return _upright(rows), labels


def _texts_as_keys(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        return {}
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): value for key, value in content.items()}


def _named(files: Collection, key: str, numbers: Array) -> Array:
    """Labels by the names that the batches' own list gives them, if it is there."""
    names: list[str] = []
    for name in files.names:
        base = name.rsplit("/", 1)[-1]
        if base in _NAME_FILES[key]:
            lines = files.read(name).decode("utf-8", "replace").splitlines()
            names = [line.strip() for line in lines if line.strip()]
        elif base in ("batches.meta", "meta"):
            content = _texts_as_keys(plain_objects(files.read(name), f"{files.name}/{name}"))
            listed = content.get(_NAME_KEYS[key])
            if isinstance(listed, list):
                names = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in listed]
    if not names or numbers.min() < 0 or numbers.max() >= len(names):
        return numbers
    return np.array(names)[numbers]


# --- pickles, as data ---------------------------------------------------------------------------------------------

_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_EMPTY: dict[str, type] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_VALUES = (
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
)  # fmt: skip
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING")  # of Python 2: bytes
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_KNOWN = {
    "numpy.core.multiarray _reconstruct": "array", "numpy._core.multiarray _reconstruct": "array",
    "numpy._core.numeric _frombuffer": "buffer", "numpy.core.numeric _frombuffer": "buffer", "builtins bytes": "bytes",
    "__builtin__ bytes": "bytes", "numpy ndarray": "class", "numpy dtype": "dtype", "_codecs encode": "encode",
}  # fmt: skip


class _Array:
    """An array or a dtype while it is being put together."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.value: Array | None = None

    def build(self, state: tuple[Any, ...]) -> None:
        if self.text:
            order = _text(state[1])
            self.text = order + self.text if order in ("<", ">") else self.text
            return
        _, shape, dtype, fortran, data = state
        self.fill(data.encode("latin-1") if isinstance(data, str) else data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: bytes, dtype: Any, shape: tuple[int, ...], order: Any) -> None:
        """Takes the bytes of an array of plain numbers."""
        assert isinstance(dtype, _Array) and re.fullmatch(r"[<>|=]?[buif]\d", dtype.text)
        self.value = np.frombuffer(data, dtype=np.dtype(dtype.text)).reshape(shape, order=order)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def plain_objects(data: bytes, place: str) -> Any:
    """What a pickle of dicts, lists, tuples, texts, numbers and NumPy arrays holds, without running any of it.

    Raises:
        DataError: it is damaged, or asks for anything else to be made.
    """
    try:
        with warnings.catch_warnings():
            # Of odd escapes in the texts of damaged files.
            warnings.simplefilter("ignore")
            return _finished(_carried_out(data, place))
    except (ValueError, IndexError, KeyError, TypeError, AssertionError, AttributeError, UnicodeError) as error:
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{place} is damaged or no batch of CIFAR ({text}). Take the binary version.") from error


def _carried_out(data: bytes, place: str) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memory: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for operation, argument, _ in pickletools.genops(data):
        name = operation.name
        if name in _VALUES or name in _CONSTANTS:
            stack.append(_CONSTANTS.get(name, argument))
        elif name in _TEXTS:
            stack.append(str(argument).encode("latin-1"))
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            items = tuple(stack[len(stack) - count :])
            del stack[len(stack) - count :]
            stack.append(items)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memory[len(memory) if argument is None else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memory[int(str(argument))])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in ("LIST", "DICT"):
            items_of = since_mark()
            stack.append(items_of if name == "LIST" else dict(zip(items_of[::2], items_of[1::2], strict=True)))
        elif name in ("APPEND", "APPENDS"):
            added = since_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(added)
        elif name in ("SETITEM", "SETITEMS"):
            pairs = since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            asked = argument if name == "GLOBAL" else " ".join([stack.pop(-2), stack.pop()])
            if asked not in _KNOWN:
                raise DataError(
                    f"{place} asks for {asked!r}, which could run code and is not done. Take the binary version of "
                    "CIFAR, or save the images as .npz."
                )
            stack.append(("known", _KNOWN[asked]))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_made(function, arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].build(state)
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the operation {name} is not known")
    raise ValueError("it has no end")


def _made(function: Any, arguments: tuple[Any, ...]) -> Any:
    match function:
        case ("known", "array"):
            return _Array()
        case ("known", "dtype"):
            return _Array(_text(arguments[0]))
        case ("known", "buffer"):
            array = _Array()
            array.fill(*arguments)
            return array
        case ("known", "bytes"):
            assert arguments == ()
            return b""
        case ("known", "encode"):
            return str(arguments[0]).encode("latin-1")
    raise ValueError("something else than an array is to be made")


def _finished(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {_finished(key): _finished(item) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, _Array | list | dict) for item in value):
        return [_finished(item) for item in value]
    return value
