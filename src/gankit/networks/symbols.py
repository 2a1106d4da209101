"""The pair for texts: a recurrent generator of symbols and a discriminator with several windows on them.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

from gankit.errors import OptionError
from gankit.networks.symbols_discriminator import SymbolsDiscriminator
from gankit.networks.symbols_generator import SymbolsGenerator
from gankit.spec import Spec


def build_symbols(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[SymbolsGenerator, SymbolsDiscriminator]:
    """The pair for a sequence of one one-of-K block whose code 0 ends it.

    `width` 256 and `depth` 1 where they are None.

    Raises:
        OptionError: the records are no such sequences.
    """
    if spec.form != "sequence" or [b.kind for b in spec.blocks] != ["categorical"]:
        raise OptionError(
            f"--network symbols makes texts, and these records are of the form {spec.form} with other blocks. "
            "Leave --network out."
        )
    width = width or 256
    generator = SymbolsGenerator(spec, condition, width, depth or 1, num_latents, embedding=max(4, width // 2))
    return generator, SymbolsDiscriminator(spec, condition, 64, 16)
