"""How objects show themselves in notebooks.

Knows texts; never what they are about.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook, where what is shown is HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def html_table(title: str, rows: Mapping[str, str] | Sequence[Mapping[str, str]], text: Sequence[str] = ()) -> str:
    """A title, paragraphs, and a table with a line an entry, or a line a mapping, as HTML, all escaped."""
    paragraphs = Markup("").join(Markup("<p>{}</p>").format(one) for one in text)
    if isinstance(rows, Mapping):
        lines = [Markup("<th>{}</th><td>{}</td>").format(*entry) for entry in rows.items()]
    else:
        heads = list(dict.fromkeys(name for row in rows for name in row))
        lines = [Markup("").join(Markup("<th>{}</th>").format(head) for head in heads)]
        lines += [Markup("").join(Markup("<td>{}</td>").format(row.get(head, "")) for head in heads) for row in rows]
    body = Markup("").join(Markup('<tr style="text-align: left">{}</tr>').format(line) for line in lines)
    return f"<div><b>{escape(title)}</b>{paragraphs}<table>{body}</table></div>"
