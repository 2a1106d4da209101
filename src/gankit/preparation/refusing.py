"""Options that are for other kinds of data than the one at hand: refused, not ignored.

Knows kinds and options by name; never data.
"""

from __future__ import annotations

from gankit.config import TrainConfig
from gankit.errors import OptionError

KINDS = {"image": "pictures", "audio": "recordings", "series": "series", "text": "texts"}
"""What the data of a kind is called, where a kind has options of its own."""

OPTIONS = {
    "image": ("size", "fit", "resample", "channels", "strict", "augment"),
    "audio": ("rate", "seconds", "mono", "pattern", "strict", "augment"),
    "series": ("time", "entity", "attributes", "window", "stride"),
    "text": ("unit", "text_column"),
}
"""The options that some kinds alone know."""


def refuse_others(kind: str, config: TrainConfig) -> None:
    """Refuses options that data of `kind` cannot obey.

    Raises:
        OptionError: the first such option, and what it is for.
    """
    plain = TrainConfig()
    for other, names in OPTIONS.items():
        for name in names:
            if name not in OPTIONS.get(kind, ()) and getattr(config, name) != getattr(plain, name):
                flag = "--" + name.replace("_", "-")
                raise OptionError(f"{flag} is for {KINDS[other]}, and this data is none. Leave it out.")
