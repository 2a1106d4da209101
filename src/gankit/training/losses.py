"""Adversarial losses and gradient penalties: functions of logits, D and samples, each with its paper's equation.

Knows logits, discriminators and samples; never kinds of data, options, schedules or where a draw comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.networks.base import Discriminator
from gankit.registry import Registry

PairLoss = Callable[[Tensor, Tensor], Tensor]
PenaltyMethod = Literal["exact", "finite"]
Place = Literal["real", "fake", "between"]


@dataclass(frozen=True)
class Loss:
    """Two functions of (real_logits [B], fake_logits [B]) that give a scalar each, to be minimised.

    discriminator: what D minimises.
    generator: what G minimises.
    threshold: the logit above which D calls a record real; None where D's logits have no fixed zero and the
        middle between its mean on real and its mean on fakes is taken.
    paper, equation: where they come from.
    pairs: whether what G minimises depends on the real logits; where not, D need not score real records for it.
    """

    discriminator: PairLoss
    generator: PairLoss
    threshold: float | None = 0.0
    paper: str = ""
    equation: str = ""
    pairs: bool = False

    def believed(self, logits: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        """D's score in [0, 1] of any shape of logits: their sigmoid; of least squares what D puts out itself.

        real, fake: D's logits on some records and fakes. Where a loss has no fixed zero, the middle of their means is.
        """
        if self.threshold == 0.5:
            return logits.clamp(0, 1)
        zero = (real.mean() + fake.mean()) / 2 if self.threshold is None else 0.0
        return torch.sigmoid(logits - zero)


def minimax_d(real: Tensor, fake: Tensor) -> Tensor:
    """-E[log sigmoid(D(x))] - E[log(1 - sigmoid(D(G)))], the negative of eq. 1 of Goodfellow et al. 2014."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[log(1 - sigmoid(D(G)))], the part of eq. 1 of Goodfellow et al. 2014 that G moves; `real` is not used."""
    return -F.softplus(fake).mean()


def nonsaturating_g(real: Tensor, fake: Tensor) -> Tensor:
    """-E[log sigmoid(D(G))], the loss Goodfellow et al. 2014 (end of section 3) trained with; `real` is not used."""
    return F.softplus(-fake).mean()


def leastsquares_d(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(x) - 1)^2]/2 + E[D(G)^2]/2: Mao et al. 2017, eq. 9 (a = 0, b = c = 1)."""
    return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()


def leastsquares_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(G) - 1)^2]/2: Mao et al. 2017, eq. 9; `real` is not used."""
    return 0.5 * (fake - 1).square().mean()


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G))]: Lim and Ye 2017; Miyato et al. 2018, eq. 16."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_g(real: Tensor, fake: Tensor) -> Tensor:
    """-E[D(G)]: Lim and Ye 2017; Miyato et al. 2018, eq. 17; `real` is not used."""
    return -fake.mean()


def wasserstein_d(real: Tensor, fake: Tensor) -> Tensor:
    """E[D(G)] - E[D(x)]: the negative of the difference that D maximises in Arjovsky et al. 2017, eq. 3."""
    return fake.mean() - real.mean()


def wasserstein_g(real: Tensor, fake: Tensor) -> Tensor:
    """-E[D(G)]: Arjovsky et al. 2017, theorem 3; `real` is not used."""
    return -fake.mean()


def relativistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(-(D(x) - D(G)))] over pairs: Jolicoeur-Martineau 2019; Huang et al. 2025 (R3GAN), eq. 2."""
    return F.softplus(fake - real).mean()


def relativistic_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(-(D(G) - D(x)))] over pairs: the same with the roles exchanged."""
    return F.softplus(real - fake).mean()


_OWN = {
    "minimax": Loss(minimax_d, minimax_g, 0.0, "Goodfellow et al. 2014", "eq. 1"),
    "nonsaturating": Loss(minimax_d, nonsaturating_g, 0.0, "Goodfellow et al. 2014", "section 3"),
    "leastsquares": Loss(leastsquares_d, leastsquares_g, 0.5, "Mao et al. 2017", "eq. 9"),
    "hinge": Loss(hinge_d, hinge_g, 0.0, "Miyato et al. 2018", "eq. 16 and 17"),
    "wasserstein": Loss(wasserstein_d, wasserstein_g, None, "Arjovsky et al. 2017", "eq. 3"),
    "relativistic": Loss(relativistic_d, relativistic_g, None, "Huang et al. 2025", "eq. 2", pairs=True),
}

LOSSES: Registry[Loss] = Registry("gankit.losses", _OWN)
"""Every loss by its name, gankit's own and those of other packages."""


@runtime_checkable
class LossLike(Protocol):
    """An object whose methods are the two functions of a loss, as those of `Loss` are."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What D minimises."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What G minimises."""


def add_loss(loss: Loss | LossLike) -> str:
    """Adds a loss to `LOSSES` under the name of its class (of a `Loss` that of its functions), and gives that name.

    Of an object that is no `Loss` D's threshold is taken as unknown, and real logits as needed by G.
    """
    if isinstance(loss, Loss):
        name, whole = f"{loss.discriminator.__name__}+{loss.generator.__name__}", loss
    else:
        name, whole = type(loss).__name__, Loss(loss.discriminator, loss.generator, None, pairs=True)
    LOSSES.add(name, whole)
    return name


@dataclass(frozen=True)
class Penalty:
    """A penalty on the gradient of D: scale * sum over places of E[(||grad_x D(x)|| - centre)^2].

    places: where the gradient is taken: at real records, at fakes, at random points between pairs of them.
    centre: the norm that costs nothing (0 or 1).
    scale: the factor of the paper's formula, apart from its weight (gamma / 2: a scale of 1/2).
    adaptive: whether a controller on D's gap may set the weight; where not, `default_weight` is the paper's.
    """

    places: tuple[Place, ...]
    centre: float
    scale: float
    adaptive: bool
    default_weight: float
    paper: str
    equation: str


PENALTIES: dict[str, Penalty] = {
    "none": Penalty((), 0.0, 0.0, False, 0.0, "", ""),
    "r1": Penalty(("real",), 0.0, 0.5, True, 1.0, "Mescheder et al. 2018", "eq. 9"),
    "r2": Penalty(("fake",), 0.0, 0.5, True, 1.0, "Mescheder et al. 2018", "eq. 10"),
    "r1r2": Penalty(("real", "fake"), 0.0, 0.5, True, 1.0, "Huang et al. 2025", "section 2.2"),
    "wgan-gp": Penalty(("between",), 1.0, 1.0, False, 10.0, "Gulrajani et al. 2017", "eq. 3"),
}

FINITE_STEP = 0.01
"""Length of the step of `finite_squares`, in units of the (roughly standardised) records."""


@dataclass(frozen=True)
class PenaltyDraws:
    """The random numbers a penalty needs, drawn by the caller.

    between: [B, 1, ...] float32 in (0, 1), the share of the real record in a mixture (penalties "between").
    directions: [2B, *shape] float32 of any length, standard normal, for the method "finite".
    """

    between: Tensor | None = None
    directions: Tensor | None = None


def exact_squares(discriminator: Discriminator, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[Tensor, Tensor]:
    """Logits [B] and ||grad_x D(x)||^2 [B], both differentiable in D's weights (double backward).

    A discriminator that gives its own input gradient (`Discriminator.differentiated`) is asked for it: the same
    numbers at half the time.

    Args:
        discriminator: D.
        x: [B, *shape] float32; nothing flows back into it.
        c: [B, K] float32 or None.
        u: D's uniform draws, or None.
    """
    if (differentiated := discriminator.differentiated) is not None:
        return differentiated.logits_and_squares(x.detach(), c, u)
    x = x.detach().requires_grad_()
    logits = discriminator(x, c, u)
    # record i's logit depends on record i alone, so the gradient of the sum holds every record's own gradient
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, gradient.flatten(1).square().sum(1)  # [B, *shape] -> [B]


def differentiates_twice(discriminator: Discriminator, penalty: Penalty, method: PenaltyMethod) -> bool:
    """Whether a turn of this D with this penalty takes a second derivative by autograd."""
    return bool(penalty.places) and method == "exact" and discriminator.differentiated is None


def finite_squares(
    discriminator: Discriminator, x: Tensor, c: Tensor | None, u: Tensor | None, directions: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits [B] and an estimate of ||grad_x D(x)||^2 [B] from one further pass, without a double backward.

    One-sided: n * ((D(x + sigma e) - D(x)) / sigma)^2 with e = direction / ||direction|| in n dimensions. For e uniform
    on the unit sphere E[(g . e)^2] = ||g||^2 / n, so the factor n makes the expectation equal to the squared norm (up
    to O(sigma)). It is noisy: for a linear D its standard deviation is about sqrt(2) times its mean.

    Args:
        discriminator, x, c: as for `exact_squares`.
        u: D's uniform draws, or None; the same for both passes.
        directions: [B, *shape] float32, standard normal.
    """
    x = x.detach()
    norms = directions.flatten(1).norm(dim=1).view(-1, *[1] * (x.dim() - 1))
    logits = discriminator(x, c, u)
    moved = discriminator(x + FINITE_STEP * directions / norms, c, u)
    return logits, x[0].numel() * ((moved - logits) / FINITE_STEP).square()


@dataclass(frozen=True)
class Played:
    """What D's turn on a batch gives: its loss, its penalty (without the weight) and its logits [B] each."""

    loss: Tensor
    penalty: Tensor
    real_logits: Tensor
    fake_logits: Tensor


def discriminator_turn(
    discriminator: Discriminator,
    loss: Loss,
    penalty: Penalty,
    method: PenaltyMethod,
    real: Tensor,
    fake: Tensor,
    c: Tensor | None,
    u: Tensor | None,
    draws: PenaltyDraws,
) -> Played:
    """D's loss and penalty on a batch of real records and one of fakes, in as few passes as it takes.

    Args:
        discriminator: D.
        loss, penalty, method: a row of LOSSES, one of PENALTIES, and "exact" or "finite".
        real: [B, *shape] float32.
        fake: [B, *shape] float32; nothing flows back to G.
        c: [B, K] float32 or None, the condition of both.
        u: [2B, D's num_uniforms] float32 or None, D's dropout draws for real and fake.
        draws: the penalty's own draws.
    """
    half = len(real)
    both = torch.cat([real, fake.detach()])  # [B, *shape] x 2 -> [2B, *shape]
    c_both = None if c is None else torch.cat([c, c])

    def squares(x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[Tensor, Tensor]:
        if method == "exact":
            return exact_squares(discriminator, x, c, u)
        assert draws.directions is not None
        return finite_squares(discriminator, x, c, u, draws.directions[: len(x)])

    u_real, u_fake = (None, None) if u is None else (u[:half], u[half:])
    norms: Tensor | None = None
    if penalty.places == ("real",):
        real_logits, norms = squares(real, c, u_real)
        fake_logits = discriminator(fake.detach(), c, u_fake)
    elif penalty.places == ("fake",):
        real_logits = discriminator(real, c, u_real)
        fake_logits, norms = squares(fake, c, u_fake)
    else:
        if penalty.places == ("real", "fake"):
            logits, norms = squares(both, c_both, u)
        else:
            logits = discriminator.places(both, c_both, u)
        real_logits, fake_logits = logits[:half], logits[half:]
        if penalty.places == ("between",):
            assert draws.between is not None
            _, norms = squares(torch.lerp(fake.detach(), real, draws.between), c, u_real)
    value = loss.discriminator(real_logits, fake_logits)
    return Played(value, _cost(norms, penalty, half, value), real_logits, fake_logits)


@dataclass(frozen=True)
class Cells:
    """Real records as compact numbers x [B, F], and for each block of F tensors [B, K] a block: `made`, G's logits;
    `real`, D's of the real records in which it stood at each of its cells; `fake`, the same of fakes. `weight`: of a
    block, 1 where the logit of a record is the sum of theirs, 1 / F where it is their mean.
    """

    x: Tensor
    made: Sequence[Tensor]
    real: Sequence[Tensor]
    fake: Sequence[Tensor]
    weight: float = 1.0


def cells_turn(loss: Loss, penalty: Penalty, cells: Cells) -> Played:
    """D's loss and penalty of a game for every block, with the expectation over G's choice as a sum over its cells.

    Args:
        loss, penalty: a row of LOSSES, and one of PENALTIES. D is linear in the choice it judges, so that its gradient
            with respect to it are the logits themselves: their squares at the real cell, and in the mean over G's, are
            what R1 and R2 (Mescheder et al. 2018, eq. 9 and 10) punish.
        cells: nothing flows back to G.

    Returns:
        Weighted sums over the blocks of means over the batch; logits [B] are weighted sums over the blocks.
    """
    x, weight = cells.x, cells.weight
    total = x.new_zeros(())
    cost, real_logits, fake_logits = total, x.new_zeros(len(x)), x.new_zeros(len(x))
    for t, (logits, of_real, of_cell) in enumerate(zip(cells.made, cells.real, cells.fake, strict=True)):
        weights = logits.detach().softmax(1)
        real = of_real.gather(1, x[:, t : t + 1].long())
        total = total + in_expectation(loss.discriminator, real, of_cell, weights)
        if "real" in penalty.places:
            cost = cost + penalty.scale * real.square().mean()
        if "fake" in penalty.places:
            cost = cost + penalty.scale * (weights * of_cell.square()).sum(1).mean()
        real_logits = real_logits + real.detach().squeeze(1)
        fake_logits = fake_logits + (weights * of_cell.detach()).sum(1)
    return Played(weight * total, weight * cost, weight * real_logits, weight * fake_logits)


def cells_loss(loss: Loss, cells: Cells) -> Tensor:
    """What G goes down in a game for every block; as `cells_turn`, and nothing flows back to D."""
    total = cells.x.new_zeros(())
    for t, (logits, of_real, of_cell) in enumerate(zip(cells.made, cells.real, cells.fake, strict=True)):
        real = of_real.detach().gather(1, cells.x[:, t : t + 1].long())
        total = total + in_expectation(loss.generator, real, of_cell.detach(), logits.softmax(1))
    return cells.weight * total


def in_expectation(part: PairLoss, real: Tensor, fake: Tensor, weights: Tensor) -> Tensor:
    """The mean over a batch of a loss of (real, fake) logits, in expectation over weighted fakes.

    real: [B, 1]. fake, weights: [B, K], weights of sum 1.
    """
    each = torch.vmap(part)(real.expand_as(fake).reshape(-1, 1), fake.reshape(-1, 1)).view_as(fake)
    return (weights * each).sum(1).mean()


def _cost(squares: Tensor | None, penalty: Penalty, batch: int, like: Tensor) -> Tensor:
    """Scale * sum over places of E[(norm - centre)^2], from the squared norms of all places in one tensor."""
    if squares is None:
        return torch.zeros_like(like)
    if penalty.centre:
        # the root has no gradient at 0, where a dead D would turn into NaN
        squares = (squares.clamp_min(1e-12).sqrt() - penalty.centre).square()
    return penalty.scale * squares.sum() / batch
