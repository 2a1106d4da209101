"""The two augmentations as wholes: how often they act, on what, and that gradients pass through them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gankit.randomness import torch_generator
from gankit.training.augment import AUGMENTATIONS
from gankit.training.augment.ada import Ada
from gankit.training.augment.base import Augment, Change, Draws
from gankit.training.augment.diffaugment import DiffAugment

CPU = torch.device("cpu")
each = pytest.mark.parametrize("name", AUGMENTATIONS)


def images(count: int, shape: tuple[int, int, int]) -> Tensor:
    return torch.rand(count, *shape, generator=torch_generator(0, "test images")) * 2 - 1


def drawn(augment: Augment, count: int, shape: tuple[int, int, int], strength: float, seed: int = 0) -> Draws:
    return augment.draw(torch_generator(seed, "test augment"), count, shape, strength, CPU)


def changed(draws: Draws) -> Tensor:
    """Which images are changed at all, [count] bool."""
    found = torch.zeros(draws.count, dtype=torch.bool)
    for part in vars(draws).values():
        if isinstance(part, Change):
            found[part.rows] = True
    return found


@each
def test_at_strength_0_the_batch_itself_comes_back(name: str) -> None:
    augment, x = AUGMENTATIONS[name](), images(3, (3, 8, 8))
    draws = drawn(augment, 3, (3, 8, 8), 0.0)
    assert augment.apply(x, draws) is x
    assert not changed(draws).any()


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(AUGMENTATIONS)), count=st.integers(1, 5), channels=st.integers(1, 5),
    height=st.integers(1, 20), width=st.integers(1, 20), strength=st.floats(0, 1), seed=st.integers(0, 999),
)  # fmt: skip
def test_any_image_keeps_its_shape_and_stays_finite(
    name: str, count: int, channels: int, height: int, width: int, strength: float, seed: int
) -> None:
    augment, shape = AUGMENTATIONS[name](), (channels, height, width)
    x = images(count, shape)
    draws = drawn(augment, count, shape, strength, seed)
    y = augment.apply(x, draws)
    assert y.shape == x.shape and y.dtype == torch.float32
    assert torch.isfinite(y).all()
    assert torch.equal(y[~changed(draws)], x[~changed(draws)])
    assert torch.equal(y, augment.apply(x, draws))
    assert torch.equal(y, augment.apply(x, drawn(augment, count, shape, strength, seed)))


def test_moves_alone_stay_within_the_range_of_the_image() -> None:
    x = images(200, (1, 12, 12))
    augment = Ada(colour=False)
    y = augment.apply(x, drawn(augment, 200, (1, 12, 12), 1.0))
    low, high = x.amin((1, 2, 3)), x.amax((1, 2, 3))
    assert (y.amin((1, 2, 3)) >= low - 1e-5).all() and (y.amax((1, 2, 3)) <= high + 1e-5).all()


def test_colours_seldom_leave_the_range_by_much() -> None:
    x = images(2000, (3, 4, 4))
    augment = Ada()
    y = augment.apply(x, drawn(augment, 2000, (3, 4, 4), 0.8))
    largest = y.abs().amax((1, 2, 3))
    # contrast 2^(.5 n) and saturation 2^n: a factor of 8 is six standard deviations of the one, three of the other
    assert largest.median() < 2 and (largest > 8).float().mean() < 0.01


@each
def test_an_image_depends_on_itself_and_its_draws_alone(name: str) -> None:
    augment, shape, count = AUGMENTATIONS[name](), (3, 16, 16), 6
    x = images(count, shape)
    draws = drawn(augment, count, shape, 0.9)
    together = augment.apply(x, draws)
    for i in range(count):
        alone = augment.apply(x[i : i + 1], only(draws, i))
        assert torch.allclose(alone[0], together[i], atol=1e-6)
    others = torch.cat([x[:2], torch.flip(x[2:], (1,))])
    assert torch.equal(augment.apply(others, draws)[:2], together[:2])


def only(draws: Draws, row: int) -> Draws:
    """The draws of one image, as those of a batch of one."""
    parts = {}
    for name, part in vars(draws).items():
        if isinstance(part, Change) and (part.rows == row).any():
            parts[name] = Change(torch.tensor([0]), part.values[part.rows == row])
    return Draws(1, **parts)


@each
def test_gradients_agree_with_finite_differences(name: str) -> None:
    augment, shape = AUGMENTATIONS[name](), (3, 6, 5)
    draws = drawn(augment, 12, shape, 0.7, seed=3)
    x = images(12, shape).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: augment.apply(t, draws), (x,), eps=1e-6, atol=1e-6, fast_mode=True)


@each
def test_gradients_reach_every_image(name: str) -> None:
    augment, shape = AUGMENTATIONS[name](), (1, 16, 16)
    x = images(50, shape).requires_grad_()
    (gradient,) = torch.autograd.grad(augment.apply(x, drawn(augment, 50, shape, 0.8)).square().sum(), x)
    assert torch.isfinite(gradient).all()
    assert (gradient.abs().sum((1, 2, 3)) > 0).all()


def flat_shifts(size: int) -> float:
    """P(round(u size) = 0) for u uniform in (-1/8, 1/8)."""
    return min(1.0, 0.5 / (size / 8))


def square_blit_kept(p: float, size: int) -> float:
    """Chance that an image is where it was after flip, quarter turns and shift; no two of them undo each other here."""
    return (1 - p / 2) * (1 - 0.75 * p) * (1 - p + p * flat_shifts(size) ** 2)


SHARES = {
    "blit": (Ada(geometry=False, colour=False), (1, 16, 16), lambda p: square_blit_kept(p, 16)),
    "geometry": (Ada(blit=False, colour=False), (1, 16, 16), lambda p: (1 - p) ** 4),
    "grey": (Ada(blit=False, geometry=False), (1, 4, 4), lambda p: (1 - p) ** 2 * (1 - p / 2)),
    "colour": (Ada(blit=False, geometry=False), (3, 4, 4), lambda p: (1 - p) ** 4 * (1 - p / 2)),
    "all": (Ada(), (3, 16, 16), lambda p: square_blit_kept(p, 16) * (1 - p) ** 8 * (1 - p / 2)),
    "diffaugment": (DiffAugment(), (3, 16, 16), lambda p: (1 - p) ** 2 * (1 - p * (1 - 1 / 25))),
}


@pytest.mark.parametrize("case", SHARES)
@pytest.mark.parametrize("strength", [0.05, 0.3, 0.8])
def test_the_strength_is_the_chance_of_each_change(case: str, strength: float) -> None:
    augment, shape, kept = SHARES[case]
    count = 10_000
    found = float((~changed(drawn(augment, count, shape, strength))).float().mean())
    expected = kept(strength)
    assert abs(found - expected) <= 4 * math.sqrt(expected * (1 - expected) / count) + 1 / count


def test_the_draws_of_ada_have_the_spread_of_the_paper() -> None:
    count = 20_000
    maps = drawn(Ada(blit=False, colour=False), count, (1, 64, 64), 1.0).warps
    assert maps is not None
    # the determinant knows neither turns nor stretches: 1 / scale^2, log2 of it -2 N(0, .2)
    logs = torch.linalg.det(maps.values[:, :, :2].double()).log2() / -2
    assert abs(float(logs.mean())) < 4 * 0.2 / count**0.5
    assert abs(float(logs.std()) - 0.2) < 4 * 0.2 / (2 * count) ** 0.5
    colours = drawn(Ada(blit=False, geometry=False), count, (1, 8, 8), 1.0).colours
    assert colours is not None
    contrast = colours.values[:, 0, 0]
    assert abs(float(contrast.abs().log2().std()) - 0.5) < 4 * 0.5 / (2 * count) ** 0.5
    assert abs(float((contrast < 0).float().mean()) - 0.5) < 4 * 0.5 / count**0.5
    added = colours.values[:, 0, 1] / contrast
    assert abs(float(added.std()) - 0.2) < 4 * 0.2 / (2 * count) ** 0.5


def test_images_that_are_not_square_are_turned_by_half_turns_only() -> None:
    x = images(300, (1, 6, 10))
    augment = Ada(geometry=False, colour=False)
    draws = drawn(augment, 300, (1, 6, 10), 1.0)
    assert draws.moves is not None
    assert (draws.moves.values[:, 0, 1] == 0).all() and (draws.moves.values[:, 1, 0] == 0).all()
    turned = augment.apply(x, draws)
    no_shift = (draws.moves.values[:, :, 2] == 0).all(1)
    rows = draws.moves.rows[no_shift]
    ways = [x[rows].flip(3), x[rows].flip(2), x[rows].flip((2, 3))]
    assert all(any(torch.equal(turned[r], way[k]) for way in ways) for k, r in enumerate(rows))


def test_alpha_keeps_its_values_where_colours_change() -> None:
    x = images(50, (4, 6, 6))
    augment = Ada(blit=False, geometry=False)
    y = augment.apply(x, drawn(augment, 50, (4, 6, 6), 1.0))
    assert torch.equal(y[:, 3], x[:, 3])
    assert (y[:, :3] != x[:, :3]).flatten(1).any(1).all()
    x = images(50, (2, 6, 6))
    diff = DiffAugment()
    draws = drawn(diff, 50, (2, 6, 6), 1.0)
    y = diff.apply(x, Draws(50, colours=draws.colours, contrasts=draws.contrasts))
    assert torch.equal(y[:, 1], x[:, 1])


def test_diffaugment_does_what_its_paper_says() -> None:
    shape, count = (3, 16, 24), 4000
    draws = drawn(DiffAugment(), count, shape, 1.0)
    assert draws.moves is not None and draws.boxes is not None
    steps = draws.moves.values[:, :, 2]
    assert steps[:, 0].abs().max() == 3 and steps[:, 1].abs().max() == 2
    left, right, top, bottom = draws.boxes.values.T
    assert (right - left == 12).all() and (bottom - top == 8).all()
    # the middle of a box of even sides is any of the edges between pixels
    assert left.min() == -6 and right.max() == 24 + 6 and top.min() == -4 and bottom.max() == 16 + 4
    x = torch.ones(count, *shape)
    cut = DiffAugment().apply(x, Draws(count, boxes=draws.boxes))
    inside = ((left >= 0) & (right <= 24) & (top >= 0) & (bottom <= 16)).float().mean()
    assert 0.2 < inside < 0.4  # 13/25 x 9/17 = .28
    assert cut.mean() > 0.75


def test_the_attributes_say_which_strength_is_steered() -> None:
    assert Ada.steered and Ada.first_strength == 0
    assert not DiffAugment.steered and DiffAugment.first_strength == 1
    assert all(isinstance(make(), Augment) for make in AUGMENTATIONS.values())
