"""Conditions as they are typed on the command line.

Knows texts only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gankit.errors import OptionError


def parse_where(texts: Sequence[str]) -> dict[str, str]:
    """Conditions as they are typed, 'COL=VALUE', 'COL>=VALUE', to column -> text.

    >>> parse_where(["income=>50K", "age=30..40", "hours>=20"])
    {'income': '>50K', 'age': '30..40', 'hours': '>=20'}
    """
    conditions: dict[str, str] = {}
    for text in texts:
        match = re.match(r"(?s)(.+?)(>=|<=|=|>|<)(.*)$", text)
        if not match:
            raise OptionError(
                f"--where {text!r}: expected COL=VALUE, COL=LOW..HIGH or COL>=VALUE, as in --where age=30..40."
            )
        name, operator, value = match.groups()
        if name in conditions:
            raise OptionError(
                f"--where names {name!r} twice. Put both into one: {name}=30..40 is a range, and "
                f"{name}=7|8 one of several values."
            )
        conditions[name] = value if operator == "=" else operator + value
    return conditions
