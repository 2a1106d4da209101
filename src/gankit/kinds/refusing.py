"""Options and networks that are for other kinds of data than the one at hand: refused, not ignored.

Knows kinds, options and networks by name; never data.
"""

from __future__ import annotations

from collections.abc import Collection

from gankit.errors import OptionError

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


def refuse_other_network(network: str, made: Collection[str], found: str) -> None:
    """Refuses a network that makes none of `made`; found: what the data is, as in "these are series".

    Raises:
        OptionError: it makes something else.

    >>> refuse_other_network("temporal", ["series"], "these are series")
    """
    makes = MAKES.get(network)
    if makes is not None and makes not in made:
        raise OptionError(f"--network {network} makes {makes}, and {found}. Leave it out.")
