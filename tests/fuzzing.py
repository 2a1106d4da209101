"""Seeded damage to bytes and to JSON values, and what becomes of them: tried in a child process, so that an end by a
signal, a hang and memory that is taken are seen as well as an exception that is no `GankitError`.

A module of targets has `TARGETS: dict[str, Target]` at its top. `hunt("test_fuzz_readers", range(20))` tries each of
its targets on mutations 0 to 19; mutation i of a target is always the same. `python -m fuzzing MODULE TARGET NUMBER
FILE` (in this folder) writes one of them to a file.
"""

from __future__ import annotations

import copy
import faulthandler
import importlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gankit.errors import GankitError

MOST_SECONDS, MOST_BYTES = 60.0, 1 << 30
"""A case that takes longer (an eighth of it of the processor), or more memory than others, is a fault."""

_NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1)
_WORDS = (
    b"\0" * 8, b"\xff" * 8, b"\xed\xa0\x80", b"\xff\xfe", b'"', b"'", b"\\", b"\r", b"\n\n", b",", b"\t", b"[", b"{",
    b"<a>", b"</a>", b"&#0;", b"nan", b"1e999", b"-1", b"9" * 40, b"\x1b[31m", b"PK\x03\x04",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What is tried.

    make: a valid input. use: takes it, damaged, in an empty folder; it may raise `GankitError`.
    wrap: what is done to damaged bytes before `use`: packing, checksums. change: how an input is damaged.
    """

    make: Callable[[], Any]
    use: Callable[[Any, Path], object]
    wrap: Callable[[Any], Any] = lambda data: data
    change: Callable[[Any, random.Random], Any] | None = None


@dataclass(frozen=True)
class Fault:
    """A mutation that was neither taken nor refused in one sentence. what: "signal 11", "TypeError: …", "slow: …"."""

    target: str
    number: int
    what: str
    where: str = ""


def mutated(data: bytes, draws: random.Random) -> bytes:
    """Damaged bytes: one to four changes of any sort."""
    for _ in range(draws.choice((1, 1, 2, 4))):
        data = draws.choice(_CHANGES)(data, draws)
    return data


def _span(data: bytes, draws: random.Random, most: int = 64) -> tuple[int, int]:
    # Headers and footers are short beside the data, and harm the most.
    area = draws.choice((len(data), len(data), 64, 256))
    begin = draws.randrange(min(area, len(data)) + 1)
    begin = len(data) - begin if draws.random() < 0.3 else begin
    return begin, min(len(data), begin + draws.choice((1, 2, 4, 8, most)))


def _flip(data: bytes, draws: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draws.choice((1, 2, 8, 32))):
        begin, end = _span(data, draws)
        if begin < end:
            changed[begin] ^= 1 << draws.randrange(8)
    return bytes(changed)


def _cut(data: bytes, draws: random.Random) -> bytes:
    begin, _ = _span(data, draws)
    return data[:begin] if draws.random() < 0.8 else data[begin:]


def _drop(data: bytes, draws: random.Random) -> bytes:
    begin, end = _span(data, draws, 1024)
    return data[:begin] + data[end:]


def _swap(data: bytes, draws: random.Random) -> bytes:
    (a, b), (c, d) = sorted((_span(data, draws, 1024), _span(data, draws, 1024)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _repeat(data: bytes, draws: random.Random) -> bytes:
    begin, end = _span(data, draws, 256)
    return data[:end] + data[begin:end] * draws.choice((1, 2, 100, 3000)) + data[end:]


def _insert(data: bytes, draws: random.Random) -> bytes:
    begin, _ = _span(data, draws)
    return data[:begin] + (draws.choice(_WORDS) if draws.random() < 0.7 else draws.randbytes(16)) + data[begin:]


def _overwrite(data: bytes, draws: random.Random) -> bytes:
    begin, _ = _span(data, draws)
    chunk = draws.choice(_WORDS) if draws.random() < 0.5 else draws.randbytes(draws.choice((1, 4, 16, 64)))
    return data[:begin] + chunk + data[begin + len(chunk) :]


def _number(data: bytes, draws: random.Random) -> bytes:
    """A length, count or offset becomes another."""
    begin, width = _span(data, draws)[0], draws.choice((1, 2, 4, 8))
    value = draws.choice(_NUMBERS) - draws.choice((0, 0, 1))
    chunk = (value % (1 << 8 * width)).to_bytes(width, draws.choice(("little", "little", "big")))
    return data[:begin] + chunk + data[begin + width :]


def _nest(data: bytes, draws: random.Random) -> bytes:
    begin, _ = _span(data, draws)
    opened = draws.choice((b"[", b'{"a":', b"<a>", b"(", b'"', b",", b"\n", b" ", b"0", b"1 ", b"a,"))
    return data[:begin] + opened * 50000 + data[begin:]


_CHANGES = (_flip, _flip, _cut, _drop, _swap, _repeat, _insert, _overwrite, _overwrite, _number, _number, _nest)


def mutated_json(value: Any, draws: random.Random) -> Any:
    """A JSON value in which one to three places hold something else: another type or number, nothing, or too much."""
    value = copy.deepcopy(value)
    for _ in range(draws.choice((1, 1, 2, 3))):
        places = [(holder, key) for holder in _holders(value) for key in _keys(holder)]
        if not places:
            return draws.choice(_VALUES)()
        holder, key = draws.choice(places)
        change = draws.randrange(6)
        if change == 0:
            del holder[key]
        elif change == 1 and isinstance(holder, dict):
            holder[str(key) + "x"] = holder.pop(key)
        elif change == 2 and isinstance(holder, list):
            holder += [copy.deepcopy(holder[key])] * draws.choice((1, 3, 1000))
        elif change == 3 and isinstance(holder[key], int | float):
            holder[key] = draws.choice((*_NUMBERS, -1, 0.5, -holder[key], holder[key] + 1, 1e308))
        elif change == 4 and isinstance(holder[key], str):
            holder[key] = draws.choice(("", holder[key] * 2, holder[key][:-1], "\0", "x" * 100_000, "\ud800"))
        else:
            holder[key] = draws.choice(_VALUES)()
    return value


def _holders(value: Any) -> Iterable[Any]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def _keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


def _nested() -> Any:
    value: Any = []
    for _ in range(3000):
        value = [value]
    return value


_VALUES: tuple[Callable[[], Any], ...] = (
    lambda: None, lambda: True, lambda: 0, lambda: -1, lambda: 2**63, lambda: 10**400, lambda: 0.5,
    lambda: float("nan"), lambda: float("inf"), lambda: "", lambda: "x", lambda: [], lambda: {}, lambda: [[]],
    lambda: {"x": {}}, lambda: [1, "a", None], _nested,
)  # fmt: skip


def case(target: Target, name: str, number: int) -> Any:
    """Input `number` of a target: 0 is the valid one."""
    made = target.make()
    if number:
        draws = random.Random(f"{name} {number}")
        change = target.change or (mutated if isinstance(made, bytes) else mutated_json)
        made = change(made, draws)
    return target.wrap(made)


def attempt(target: Target, name: str, number: int) -> Fault | None:
    """What is wrong with how one input of a target is taken; None: nothing."""
    given, before, start = case(target, name, number), _peak(), time.process_time()
    what = where = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            target.use(given, Path(folder))
        except GankitError as error:
            text = str(error)
            if number == 0:
                what = f"the valid input is refused: {text}"
            elif "\n" in text.strip() or len(text) > 1500 or any(ord(sign) < 32 for sign in text):
                what = f"no sentence: {text[:300]!r} ({len(text):,} characters)"
        except Exception as error:
            what = f"{type(error).__name__}: {str(error)[:150]}"
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "gankit" in f.filename]
            where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    seconds, taken = time.process_time() - start, _peak() - before
    if not what and seconds > MOST_SECONDS / 8 and number:
        what = f"slow: {seconds:.0f} s"
    if not what and taken > MOST_BYTES / 2 and number:
        what = f"memory: {taken / 1e6:,.0f} MB"
    return Fault(name, number, what, where) if what else None


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def hunt(module: str, numbers: Sequence[int], names: Iterable[str] = (), most: int = 200) -> tuple[list[Fault], int]:
    """The faults of the targets in a module (all, or some by name), and how many inputs were tried."""
    faults: list[Fault] = []
    tried, skip = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        log, stack = Path(folder) / "log", Path(folder) / "stack"
        while len(faults) < most:
            log.write_text("")
            job = json.dumps([module, list(numbers), list(names), skip, str(log), str(stack)])
            paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "src"), *sys.path]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
            child = subprocess.run(
                [sys.executable, "-c", "import fuzzing; fuzzing.child()"], input=job.encode(), env=environment,
                capture_output=True,
            )  # fmt: skip
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            begun = [line for line in lines if "begun" in line]
            faults += [Fault(**line) for line in lines if "target" in line]
            tried += len(begun)
            if child.returncode == 0:
                break
            if not begun:
                raise RuntimeError(child.stderr.decode())
            what = f"signal {-child.returncode}" if child.returncode < 0 else "hang, or an end by another exit"
            frames = [line.strip() for line in stack.read_text().splitlines() if "gankit" in line or "/io" in line]
            faults.append(Fault(*begun[-1]["begun"], what, frames[0] if frames else ""))
            skip = begun[-1]["place"] + 1
    return faults, tried


def child() -> None:
    """Tries the inputs that standard input names, and logs what is begun and what is wrong."""
    module, numbers, names, skip, log, stack = json.loads(sys.stdin.read())
    targets = importlib.import_module(module).TARGETS
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", DeprecationWarning)
    with open(log, "w") as file, open(stack, "w") as trace:
        faulthandler.enable(trace)
        every = [(name, number) for name in targets if not names or name in names for number in numbers]
        for place, (name, number) in enumerate(every[skip:], skip):
            file.write(json.dumps({"begun": [name, number], "place": place}) + "\n")
            file.flush()
            faulthandler.dump_traceback_later(MOST_SECONDS, exit=True, file=trace)
            if place == skip + 1:  # the first loads what the others need
                used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
                resource.setrlimit(resource.RLIMIT_AS, (used + 4 * MOST_BYTES, resource.RLIM_INFINITY))
            fault = attempt(targets[name], name, number)
            faulthandler.cancel_dump_traceback_later()
            if fault is not None:
                file.write(json.dumps(asdict(fault)) + "\n")
                file.flush()


if __name__ == "__main__":
    module, name, number, path = sys.argv[1:]
    made = case(importlib.import_module(module).TARGETS[name], name, int(number))
    Path(path).write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
