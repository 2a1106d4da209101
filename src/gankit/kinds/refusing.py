"""Options and networks that are for other kinds of data than the one at hand: refused, not ignored.

Knows kinds, options and networks by name; never data.
"""

from __future__ import annotations

from collections.abc import Collection

from gankit.config import TrainConfig
from gankit.errors import OptionError

KINDS = {"image": "pictures", "audio": "recordings", "series": "series", "text": "texts", "table": "tables"}
"""What the data of a kind is called, where a kind has options of its own."""

OPTIONS = {
    "image": ("size", "fit", "resample", "channels", "mirror", "strict", "augment"),
    "audio": ("rate", "seconds", "cut", "mono", "pattern", "strict", "augment"),
    "series": ("time", "entity", "attributes", "window", "stride", "calendar"),
    "text": ("unit", "alphabet", "text_column", "strict"),
    "table": ("target",),
}
"""The options that some kinds alone know."""

MAKES = {
    "sequential": "tables",
    **dict.fromkeys(("conv2014", "dcgan", "strided", "stylegan2"), "images"),
    **dict.fromkeys(("attention", "principal", "recurrent", "temporal"), "series"),
    "symbols": "texts",
    "wave": "recordings",
}
"""What a network makes, where it does not make records of any kind."""


UNAUGMENTED = ("dense2014", "conv2014", "dcgan")
"""Networks that are run as they were published: neither augmented nor mirrored unless it is asked for."""


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


def refuse_other_network(network: str, made: Collection[str], found: str) -> None:
    """Refuses a network that makes none of `made`; found: what the data is, as in "these are series".

    Raises:
        OptionError: it makes something else.

    >>> refuse_other_network("temporal", ["series"], "these are series")
    """
    makes = MAKES.get(network)
    if makes is not None and makes not in made:
        raise OptionError(f"--network {network} makes {makes}, and {found}. Leave it out.")
