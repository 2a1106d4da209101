"""Texts in blocks: symbol after symbol, from a beginning if one is given.

Knows the codec and the generator of texts; never the form that texts are given in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gankit.errors import OptionError

if TYPE_CHECKING:
    from gankit.kinds.texts.codec import TextCodec
    from gankit.model.blocks import Block, Blocks, Draws
    from gankit.networks.sequences.symbols import SymbolsGenerator


def beginning(codec: TextCodec, prefix: str) -> list[int]:
    """The codes of what all texts begin with.

    Raises:
        OptionError: it has symbols that training never showed, or as many as the longest text.
    """
    from gankit.kinds.texts.codec import RARE
    from gankit.kinds.texts.records import called, cut

    what = called(codec.unit)
    codes = codec.codes(prefix)
    if RARE in codes:
        symbol = cut(prefix, codec.unit)[codes.index(RARE)]
        raise OptionError(f"--prefix {prefix!r}: the training texts have no {what} {symbol!r}. Begin otherwise.")
    if len(codes) > codec.num_steps:
        raise OptionError(
            f"--prefix {prefix!r} has {len(codes)} {what}s, and the longest text has {codec.num_steps}. "
            "Make it shorter."
        )
    return codes


def symbol_blocks(
    generator: SymbolsGenerator, codec: TextCodec, draw: Callable[[int], Draws], prefix: str, temperature: float
) -> Blocks:
    """A block of texts at a time; symbols that training never showed are never made.

    prefix: what every text begins with. temperature: below 1, likelier symbols become likelier still.
    """
    import torch

    begin = torch.tensor(beginning(codec, prefix), dtype=torch.int64)
    never = torch.from_numpy(codec.never)

    def block(index: int) -> Block:
        drawn = draw(index)
        codes = generator.generate(drawn.z, drawn.u, drawn.c, begin if len(begin) else None, temperature, never)
        return drawn.known, codes.unsqueeze(2).numpy().astype(np.int32)

    return block
