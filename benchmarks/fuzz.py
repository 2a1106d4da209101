"""Damages inputs at random, in child processes, and tells what was neither taken nor refused in one sentence.

    python benchmarks/fuzz.py [-m test_fuzz_readers] [--begin 0] [--end 1000] [TARGET ...]

Mutation i of a target is always the same; `cd tests && python -m fuzzing MODULE TARGET i FILE` writes it to a file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / "tests"), str(Path(__file__).parent.parent / "src")]


def main() -> None:
    from fuzzing import Fault, hunt

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--module", default="test_fuzz_readers", help="where the targets are")
    parser.add_argument("--begin", type=int, default=0, help="the first mutation of each target")
    parser.add_argument("--end", type=int, default=1000, help="the one after the last")
    parser.add_argument("targets", nargs="*", help="their names; all by default")
    asked, start = parser.parse_args(), time.monotonic()
    faults, tried = hunt(asked.module, range(asked.begin, asked.end), asked.targets)
    groups: dict[tuple[str, str, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        groups[fault.target, fault.what[:60], fault.where].append(fault)
    for (target, what, where), found in sorted(groups.items(), key=lambda group: -len(group[1])):
        print(f"{len(found):5,}  {target:16} {what} {where} (first: {found[0].number})")
    signals = sum(fault.what.startswith("signal") for fault in faults)
    seconds = time.monotonic() - start
    print(f"{tried:,} inputs in {seconds:.0f} s: {len(faults):,} faults, {signals:,} ends by a signal")


if __name__ == "__main__":
    main()
