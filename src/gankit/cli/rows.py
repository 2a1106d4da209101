"""Rows as they are typed: --rows 3,17 of one seed, or --seeds 1,5,9 for the first row of each.

Knows texts only.
"""

from __future__ import annotations

from gankit.errors import OptionError


def numbers(flag: str, text: str) -> list[int]:
    """Whole numbers from 0, with commas between them; "4-6" is 4, 5, 6.

    Example:
        >>> numbers("--rows", "3,17, 4-6")
        [3, 17, 4, 5, 6]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.strip().isdecimal()):
            raise OptionError(
                f"{flag} {text}: {part.strip()!r} is no number from 0. Expected numbers, as in {flag} 3,17."
            )
        end = int(last) if dash else int(first)
        if end < int(first) or end - int(first) > 10_000:
            raise OptionError(f"{flag} {text}: {part.strip()!r} is no range of at most 10,000 numbers.")
        found += range(int(first), end + 1)
    return found
