"""Generators and discriminators, one file a family, and the explicit table of them.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

from collections.abc import Callable

from gankit.networks.base import (
    DifferentiatedDiscriminator,
    Discriminator,
    Generator,
    LikelihoodGenerator,
    StartsFromRecords,
    StyleGenerator,
)
from gankit.networks.images.conv2014 import build_conv2014
from gankit.networks.images.dcgan import build_dcgan
from gankit.networks.images.residual import build_residual_image
from gankit.networks.images.strided import build_strided
from gankit.networks.images.stylegan2 import build_stylegan2
from gankit.networks.sequences.principal import build_principal
from gankit.networks.sequences.stepwise import build_attention, build_recurrent
from gankit.networks.sequences.symbols import build_symbols
from gankit.networks.sequences.temporal import build_temporal
from gankit.networks.sequences.wave import build_wave
from gankit.networks.vectors.dense2014 import build_dense2014
from gankit.networks.vectors.residual import build_residual
from gankit.networks.vectors.sequential import build_sequential
from gankit.randomness import key
from gankit.spec import Spec

Builder = Callable[[Spec, Spec | None, int | None, int | None, int], tuple[Generator, Discriminator]]


def _build_residual(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[Generator, Discriminator]:
    """The residual pair for the form of the records."""
    build_it: Builder = build_residual_image if spec.form == "image" else build_residual
    return build_it(spec, condition, width, depth, num_latents)


NETWORKS: dict[str, Builder] = {
    "attention": build_attention,
    "conv2014": build_conv2014,
    "dcgan": build_dcgan,
    "dense2014": build_dense2014,
    "principal": build_principal,
    "recurrent": build_recurrent,
    "residual": _build_residual,
    "sequential": build_sequential,
    "strided": build_strided,
    "stylegan2": build_stylegan2,
    "symbols": build_symbols,
    "temporal": build_temporal,
    "wave": build_wave,
}


def build(
    name: str,
    spec: Spec,
    condition: Spec | None = None,
    *,
    width: int | None = None,
    depth: int | None = None,
    num_latents: int = 100,
    seed: int = 0,
) -> tuple[Generator, Discriminator]:
    """A fresh pair (G, D) on the CPU; its weights are a function of (name, spec, sizes, seed) alone.

    Args:
        name: a key of NETWORKS.
        spec: the records.
        condition: the spec of c, or None.
        width: hidden units, or None for the family's own default.
        depth: layers or blocks, or None for the family's own default.
        num_latents: numbers of z.
        seed: of the initial weights. torch's global random state is as it was afterwards.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key(seed, "init"))
        return NETWORKS[name](spec, condition, width, depth, num_latents)


__all__ = [
    "NETWORKS",
    "Builder",
    "DifferentiatedDiscriminator",
    "Discriminator",
    "Generator",
    "LikelihoodGenerator",
    "StartsFromRecords",
    "StyleGenerator",
    "build",
]
