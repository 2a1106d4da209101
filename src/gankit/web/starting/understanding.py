"""What gankit makes of a file of data: a process of its own looks at it, so that no file can harm or stop the server.

    python -m gankit.web.starting.understanding DATA OUT.json

Knows kinds and prepared data; never uploads or the page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gankit.config import TrainConfig
from gankit.errors import GankitError
from gankit.io.atomic import write_atomically
from gankit.kinds import prepare
from gankit.web.plain import as_json


def understood(path: Path) -> dict[str, Any]:
    """Kind, columns, numbers of records, their split, and the shape of a batch.

    Raises:
        DataError: it cannot be learned from.
    """
    notes: list[str] = []
    prepared = prepare(str(path), TrainConfig(), notes)
    kind, spec = prepared.kind, prepared.codec.spec
    return {
        "kind": kind.name,
        "noun": [kind.noun.one, kind.noun.many],
        "columns": kind.columns(prepared),
        "records": prepared.num_train + prepared.num_heldout,
        "split": {"train": prepared.num_train, "heldout": prepared.num_heldout},
        "fed": f"[{', '.join(['batch', *map(str, spec.shape)])}]",
        "given": list(prepared.given_names),
        "network": prepared.network,
        "notes": notes,
    }


def main(data: str, out: str) -> int:
    """Writes what was understood, or an "error", to a file of JSON; gives the exit code."""
    try:
        found = understood(Path(data))
    except GankitError as error:
        write_atomically(Path(out), as_json({"error": str(error)}))
        return 2
    write_atomically(Path(out), as_json(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
