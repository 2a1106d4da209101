"""StyleGAN2, complete: the pair of networks, and the truncation of its styles.

Knows Spec and tensors; never columns, files or kinds of data.

Karras et al. 2020a ("Analyzing and improving the image quality of StyleGAN", config F) and 2020b ("Training generative
adversarial networks with limited data", the settings for 256 and 32 pixels and the conditional networks).
"""

from __future__ import annotations

from torch import Tensor

from gankit.errors import OptionError
from gankit.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gankit.networks.stylegan2_generator import StyleGAN2Generator
from gankit.networks.stylegan2_layers import is_small
from gankit.spec import Spec

WIDTH = 512
MAPPING_DEPTH = 8
SMALL_MAPPING_DEPTH = 2


def truncate(w: Tensor, mean: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """w' = mean + psi (w - mean): Karras et al. 2019, appendix B.

    Args:
        w: [B, num_styles, style_dim] float32.
        mean: [style_dim], `StyleGenerator.mean_style`.
        psi: 1 leaves w as it is, 0 gives the mean image, between them quality is bought with variety.
        cutoff: how many layers, from the lowest resolution up, are pulled; None = all.

    Example:
        >>> import torch
        >>> truncate(torch.ones(1, 3, 1), torch.zeros(1), 0.5, cutoff=2).flatten().tolist()
        [0.5, 0.5, 1.0]
    """
    pulled = mean + psi * (w - mean)
    if cutoff is None:
        return pulled
    pulled = pulled.clone()
    pulled[:, cutoff:] = w[:, cutoff:]
    return pulled


def build_stylegan2(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[StyleGAN2Generator, StyleGAN2Discriminator]:
    """The pair of StyleGAN2 for images; the papers have 512 latents.

    `width` is the channels of the low resolutions (512), from which those of the higher ones follow; `depth` the layers
    of the mapping network (8; for images of up to 32 x 32 pixels 2, and there G does not mix styles, as for CIFAR-10 in
    the papers; G's attribute `mixing` changes that).

    Raises:
        OptionError: the records are not images.
    """
    if spec.form != "image":
        raise OptionError(
            f"--network stylegan2 makes images only, and these records are of the form '{spec.form}'. "
            "Leave --network out, or give residual."
        )
    small = is_small(spec)
    width, depth = width or WIDTH, depth or (SMALL_MAPPING_DEPTH if small else MAPPING_DEPTH)
    generator = StyleGAN2Generator(spec, condition, width, depth, num_latents)
    if small:
        generator.mixing = 0.0
    return generator, StyleGAN2Discriminator(spec, condition, width, depth)
