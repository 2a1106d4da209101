"""What every generator and discriminator is: abstract classes, and nothing concrete.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from gankit.spec import Spec


class Generator(nn.Module, ABC):
    """G: noise to fakes.

    Attributes:
        spec: the records it makes.
        condition: the spec of c, or None for an unconditional generator.
        num_latents: numbers of z.
        num_uniforms: numbers of u, the uniform draws of the discrete choices (0 where all is continuous).
        multiply_in: type that its inner layers multiply in, where the family can use another one than float32.
    """

    multiply_in: torch.dtype = torch.float32
    spec: Spec
    condition: Spec | None
    num_latents: int
    num_uniforms: int

    @abstractmethod
    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """Fakes for the noise.

        Args:
            z: [B, num_latents] float32, standard normal.
            u: [B, num_uniforms] float32, uniform in (0, 1).
            c: [B, condition.dim] float32, or None.

        Returns:
            x: [B, *spec.shape] float32; one-of-K blocks are hard one-hot going forward and carry the
            straight-through gradient going back.
        """


class StartsFromRecords(ABC):
    """A network of which something is set from training records at once, before the game; its state holds it."""

    @abstractmethod
    def start_from(self, x: Tensor) -> None:
        """Sets what can be set.

        Args:
            x: [N, *spec.shape] float32, training records.
        """


class LikelihoodGenerator(Generator):
    """A G that has a likelihood: it can warm up on it before the game, and hold on to it in the game.

    Attributes:
        num_order_uniforms: numbers of the uniform draws that choose the order of the chain rule for a record.
    """

    num_order_uniforms: int

    @property
    @abstractmethod
    def num_dropout_uniforms(self) -> int:
        """Numbers of the uniform draws of its dropout, 0 where it has none."""

    @abstractmethod
    def start_from(self, x: Tensor) -> None:
        """Sets what can be set from training records at once.

        Args:
            x: [N, spec.compact_dim] float, compact records.
        """

    @abstractmethod
    def likelihood_loss(self, x: Tensor, c: Tensor | None, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Mean negative log-likelihood of real records under G, in nats per record.

        Args:
            x: [B, spec.compact_dim] float, compact real records.
            c: [B, condition.dim] float32, or None.
            u: [B, num_order_uniforms] float32, uniform in (0, 1).
            dropout: [B, num_dropout_uniforms] float32, uniform in (0, 1), while training; None = no dropout.

        Returns:
            A scalar.
        """


class StyleGenerator(Generator):
    """A G with an intermediate latent space: z is mapped to styles w, one a layer, and the image is made from w.

    In training mode `forward` mixes styles (Karras et al. 2019, section 3.1) by draws from `u`; in evaluation mode
    it does not.

    Attributes:
        num_styles: layers that take a style.
        style_dim: numbers of one style.
    """

    num_styles: int
    style_dim: int

    @property
    @abstractmethod
    def mean_style(self) -> Tensor:
        """The running mean of w, [style_dim]: where truncation pulls to."""

    @abstractmethod
    def styles(self, z: Tensor, c: Tensor | None) -> Tensor:
        """w [B, num_styles, style_dim] of z [B, num_latents] and c, the same style for every layer."""

    @abstractmethod
    def synthesise(self, w: Tensor, u: Tensor) -> Tensor:
        """Fakes [B, *spec.shape] of w [B, num_styles, style_dim]; u [B, num_uniforms] feeds the noise inputs."""

    @abstractmethod
    def draw_noise(self, rows: int, u: Tensor) -> list[Tensor]:
        """What u [B, num_uniforms] feeds the noise inputs of `rows` records with.

        Returns:
            Standard normal numbers, [rows, 1, H, W] for each layer that takes some; those of a record do not depend on
            how many records follow it.
        """

    @abstractmethod
    def paint(self, w: Tensor, noise: list[Tensor]) -> Tensor:
        """Fakes [B, *spec.shape] of w [B, num_styles, style_dim] and noise as `draw_noise` gives it."""

    @abstractmethod
    def path_length_loss(self, z: Tensor, u: Tensor, c: Tensor | None, directions: Tensor) -> Tensor:
        """The path length regulariser of Karras et al. 2020, eq. 4, a scalar; moves its running mean `a`.

        Args:
            z, u, c: as in `forward`.
            directions: [B, *spec.shape] float32, standard normal.
        """


class Discriminator(nn.Module, ABC):
    """D: a record to one logit, large for real.

    Attributes:
        spec: the records it judges.
        condition: the spec of c, or None.
        num_uniforms: numbers of u, the uniform draws of its dropout (0 where it has none).
        multiply_in: as for G.
    """

    multiply_in: torch.dtype = torch.float32
    spec: Spec
    condition: Spec | None
    num_uniforms: int = 0

    @abstractmethod
    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """Logits.

        Args:
            x: [B, *spec.shape] float32.
            c: [B, condition.dim] float32, or None.
            u: [B, num_uniforms] float32, uniform in (0, 1), for dropout while training; None = no dropout.

        Returns:
            [B] float32 logits, without a sigmoid.
        """


class DifferentiatedDiscriminator(Discriminator):
    """A D that gives its own input gradient, faster than differentiating it twice would."""

    @abstractmethod
    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits [B] as `forward` gives them, and ||grad_x D(x)||^2 [B]; both flow back to the weights, not to x."""
