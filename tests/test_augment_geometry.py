"""Moves of images: exact where they can be, right where they are resampled, and nothing beyond what was drawn."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gankit.randomness import torch_generator
from gankit.training.augment import changes
from gankit.training.augment.base import Change, part_of

ONE = torch.ones(1, dtype=torch.float64)


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch_generator(seed, "test images")) * 2 - 1


def whole(maps: Tensor) -> Change:
    """All images of the batch, under these maps [B, 3, 3]."""
    part = part_of(maps[:, :2], torch.ones(len(maps), dtype=torch.bool))
    assert part is not None
    return part


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_exact_and_clockwise(size: int, turns: int) -> None:
    x = images(2, 3, size, size)
    moved = changes.move(x, whole(changes.quarter_turns(torch.full((2,), turns))))
    assert torch.equal(moved, torch.rot90(x, -turns, (2, 3)))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 12), (4, 5, 1)])
def test_flips_are_exact(shape: tuple[int, int, int]) -> None:
    x = images(2, *shape)
    assert torch.equal(changes.move(x, whole(changes.scale(-torch.ones(2), torch.ones(2)))), x.flip(3))
    assert torch.equal(changes.move(x, whole(changes.scale(torch.ones(2), -torch.ones(2)))), x.flip(2))


@settings(deadline=None)
@given(right=st.integers(-20, 20), down=st.integers(-20, 20), height=st.integers(1, 9), width=st.integers(1, 9))
def test_whole_pixel_shifts_are_exact_and_mirror_beyond_the_edges(
    right: int, down: int, height: int, width: int
) -> None:
    x = images(1, 2, height, width)
    moved = changes.move(x, whole(changes.shift(right * ONE, down * ONE)))

    def place(k: int, size: int) -> int:
        k %= max(2 * (size - 1), 1)
        return k if k < size else 2 * (size - 1) - k

    for row in range(height):
        for column in range(width):
            old = x[0, :, place(row - down, height), place(column - right, width)]
            assert torch.equal(moved[0, :, row, column], old)


def test_shifts_without_mirroring_leave_zeros() -> None:
    x = images(1, 1, 4, 5)
    moved = changes.move(x, whole(changes.shift(2 * ONE, -ONE)), mirrored=False)
    expected = torch.zeros_like(x)
    expected[:, :, :3, 2:] = x[:, :, 1:, :3]
    assert torch.equal(moved, expected)


def test_a_whole_pixel_map_resampled_bilinearly_is_the_same_within_rounding() -> None:
    maps = changes.quarter_turns(torch.tensor([1, 3])) @ changes.shift(torch.tensor([2.0, -1]), torch.tensor([0, 3.0]))
    x = images(2, 3, 16, 16).double()
    part = whole(maps)
    assert torch.allclose(changes.warp(x, part), changes.move(x, part), atol=1e-6)


def test_a_shift_by_half_a_pixel_is_the_mean_of_neighbours() -> None:
    x = images(1, 1, 3, 6)
    moved = changes.warp(x, whole(changes.shift(0.5 * ONE, 0 * ONE)))
    assert torch.allclose(moved[..., 1:], (x[..., 1:] + x[..., :-1]) / 2, atol=1e-6)


def test_maps_are_the_matrices_worked_out_by_hand() -> None:
    third = torch.tensor([math.pi / 6], dtype=torch.float64)
    root = math.sqrt(3) / 2
    assert torch.allclose(changes.turn(third)[0, :2, :2], torch.tensor([[root, 0.5], [-0.5, root]]).double())
    assert torch.allclose(changes.scale(2 * ONE, 4 * ONE)[0].diagonal(), torch.tensor([0.5, 0.25, 1]).double())
    assert changes.shift(3 * ONE, -2 * ONE)[0, :2, 2].tolist() == [-3, 2]


def test_maps_are_composed_in_the_order_in_which_things_are_done() -> None:
    # a point at (4, 0) from the centre: twice as far away, then a quarter turn clockwise, then 3 to the right
    maps = changes.scale(2 * ONE, 2 * ONE) @ changes.quarter_turns(ONE) @ changes.shift(3 * ONE, 0 * ONE)
    assert (maps[0] @ torch.tensor([3.0, 8, 1]).double()).tolist() == [4, 0, 1]
    x = images(1, 1, 9, 9)
    one_by_one = changes.move(x, whole(changes.quarter_turns(ONE)))
    one_by_one = changes.move(one_by_one, whole(changes.scale(-ONE, ONE)))
    both = changes.move(x, whole(changes.quarter_turns(ONE) @ changes.scale(-ONE, ONE)))
    assert torch.equal(both, one_by_one)


def test_a_linear_image_is_resampled_to_what_the_map_says() -> None:
    # bilinear interpolation is exact for a slope, so every pixel is known in closed form where nothing is mirrored
    size = 33
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    x = (0.02 * axis.view(1, -1) + 0.01 * axis.view(-1, 1)).view(1, 1, size, size)
    maps = changes.turn(0.3 * ONE) @ changes.scale(1.3 * ONE, 1.1 * ONE) @ changes.shift(1.7 * ONE, -2.2 * ONE)
    moved = changes.warp(x, Change(torch.tensor([0]), maps[:, :2]))
    inner = slice(8, -8)
    down, right = torch.meshgrid(axis[inner], axis[inner], indexing="ij")
    places = maps[0, :2] @ torch.stack([right.flatten(), down.flatten(), torch.ones(right.numel()).double()])
    expected = 0.02 * places[0] + 0.01 * places[1]
    assert torch.allclose(moved[0, 0, inner, inner].flatten(), expected, atol=1e-9)


def test_only_the_chosen_images_move() -> None:
    x = images(4, 1, 6, 6)
    maps = changes.quarter_turns(torch.tensor([1, 1, 1, 1]))
    part = part_of(maps[:, :2], torch.tensor([False, True, False, True]))
    assert part is not None
    before = x.clone()
    moved = changes.move(x, part)
    assert torch.equal(x, before)
    assert torch.equal(moved[::2], x[::2])
    assert torch.equal(moved[1::2], torch.rot90(x[1::2], -1, (2, 3)))
