"""Networks that begin as those for other records were left: what they know of these stays, and what is new is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gankit.columns.quantiles import Cells
from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.base import Discriminator, Generator, Networks
from gankit.networks.transfer import take_over
from gankit.networks.vectors.sequential import SequentialGenerator
from gankit.spec import Block, Match, Spec

ROWS = Spec("vector", (9,), (Block("categorical", 3), Block("binned", 4, 4), Block("categorical", 2)))
OTHER_ROWS = Spec("vector", (9,), (Block("categorical", 2), Block("categorical", 3), Block("binned", 4, 4)))
ROWS_MOVED = [7, 8, 0, 1, 2, 3, 4, 5, 6]
STEPS = Spec("sequence", (8, 5), (Block("continuous", 2), Block("categorical", 3)))
STEPS_MOVED = [1, 0, 2, 3, 4]
SYMBOLS = Spec("sequence", (6, 5), (Block("categorical", 5),))
SYMBOLS_MOVED = [0, 3, 1, 4, 2]

CASES = [
    *((name, ROWS, OTHER_ROWS, ROWS_MOVED) for name in ("sequential", "residual", "dense2014")),
    *(
        (name, STEPS, STEPS, STEPS_MOVED)
        for name in ("residual", "dense2014", "principal", "temporal", "recurrent", "attention")
    ),
    ("symbols", SYMBOLS, SYMBOLS, SYMBOLS_MOVED),
]


def pair(name: str, spec: Spec, seed: int) -> Networks:
    """A pair whose numbers are all other than at their start."""
    sizes: dict[str, Any] = {"width": 16, "depth": 2, "num_latents": 5}
    networks = build(name, spec, None, **sizes, seed=seed)
    draws = torch.Generator().manual_seed(seed)
    for network in networks:
        for key, tensor in network.state_dict().items():
            if key not in ("low", "high", "weights") and not key.startswith("numbers."):
                tensor.add_(0.1 * torch.randn(tensor.shape, generator=draws))
    return networks


def records(spec: Spec, rows: int) -> Tensor:
    """[rows, *shape], one-hot in one-of-K blocks."""
    draws = torch.Generator().manual_seed(7)
    steps = spec.shape[0] if spec.form == "sequence" else 1
    parts = []
    for block in spec.blocks:
        if block.type == "continuous":
            parts.append(torch.randn(rows, steps, block.size, generator=draws))
        else:
            codes = torch.randint(block.size, (rows, steps), generator=draws)
            parts.append(torch.nn.functional.one_hot(codes, block.size).float())
    return torch.cat(parts, 2).view(rows, *spec.shape)


def begun(
    name: str, here: Spec, there: Spec, match: Match, x: Tensor | None = None, its_x: Tensor | None = None
) -> tuple[Networks, Networks, list[float]]:
    """Networks that begin as others, those others, and the shares of them that were taken over.

    x, its_x: what they are trained on.
    """
    mine, its = pair(name, here, 1), pair(name, there, 2)
    for networks, known in ((mine, x), (its, its_x)):
        for network in networks if known is not None else ():
            network.start_from_records(known)
    shares = [take_over(mine[k], its[k], [], match, None, backwards=k == 1) for k in (0, 1)]
    return mine, its, shares


@pytest.mark.parametrize(("name", "there", "here", "moved"), CASES)
def test_columns_in_another_order_are_known_as_before(name: str, there: Spec, here: Spec, moved: Sequence[int]) -> None:
    match = Match.of_places(range(len(moved)), moved, len(moved))
    x = records(there, 120)
    (g, d), (its_g, its_d), shares = begun(name, here, there, match, x[..., moved], x)
    assert min(shares) > 0.9
    x = x[:12]
    if name != "sequential":  # whose D takes the columns in their order
        torch.testing.assert_close(d(x[..., moved], None), its_d(x, None), rtol=1e-3, atol=1e-4)
    z, draws = torch.randn(12, g.num_latents, generator=torch.Generator().manual_seed(3)), torch.Generator()
    if name == "sequential":
        assert isinstance(g, SequentialGenerator) and isinstance(its_g, SequentialGenerator)
        for row in x.view(12, 9):
            order = torch.rand(1, 3, generator=draws)
            codes = torch.stack([part.argmax() for part in row.split([3, 4, 2])])[None].float()
            blocks = [2, 0, 1]
            own = g.likelihood_loss(codes[:, blocks], None, order[:, blocks])
            torch.testing.assert_close(own, its_g.likelihood_loss(codes, None, order))
            judged = d.by_column.cell_logits(codes[:, blocks], order[:, blocks])  # type: ignore[union-attr]
            theirs = its_d.by_column.cell_logits(codes, order)  # type: ignore[union-attr]
            for here_t, there_t in enumerate(blocks):
                inside = [
                    m - sum([3, 4, 2][:there_t])
                    for m in moved
                    if 0 <= m - sum([3, 4, 2][:there_t]) < [3, 4, 2][there_t]
                ]
                torch.testing.assert_close(judged[here_t], theirs[there_t][:, inside])
    elif name == "symbols":
        codes = x.argmax(2)
        mine = torch.argsort(torch.tensor(moved))[codes]
        own, its = (net.log_probabilities(c, None, z) for net, c in ((g, mine), (its_g, codes)))  # type: ignore[operator]
        torch.testing.assert_close(own, its)
    else:
        u = torch.rand(12, g.num_uniforms, generator=draws)
        same = u[:, moved] if here.form == "vector" else u
        made = its_g(z, u, None)[..., moved]
        torch.testing.assert_close(g(z, same, None), made, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["sequential", "residual", "dense2014", "temporal", "recurrent", "attention"])
def test_a_new_column_changes_nothing_of_what_is_known_of_the_others(name: str) -> None:
    there = ROWS if name == "sequential" else STEPS
    new = Block("categorical", 4)
    size = there.shape[-1]
    here = Spec(there.form, (*there.shape[:-1], 4 + size), (new, *there.blocks))
    match = Match.of_places(range(4, 4 + size), range(size), 4 + size)
    (g, d), (its_g, its_d), shares = begun(name, here, there, match)
    assert min(shares) > 0.3 and max(shares) < 1
    x = records(there, 12)
    for seed in (0, 1) if name != "sequential" else ():
        more = torch.randint(2, (*x.shape[:-1], 4), generator=torch.Generator().manual_seed(seed)).float()
        seen = d(torch.cat([more, x], -1), None)
        torch.testing.assert_close(seen, its_d(x, None), rtol=1e-5, atol=1e-5)
    if isinstance(g, SequentialGenerator) and isinstance(its_g, SequentialGenerator):
        codes = torch.tensor([[1.0, 2.0, 3.0, 1.0]])
        last = torch.tensor([[9.0, 0.1, 0.2, 0.3]])  # the new column comes behind the others
        seen, known_of = d.by_column.cell_logits(codes, last), its_d.by_column.cell_logits(codes[:, 1:], last[:, 1:])  # type: ignore[union-attr]
        for mine, its_own in zip(seen[1:], known_of, strict=True):
            torch.testing.assert_close(mine, its_own, rtol=1e-5, atol=1e-5)
        known = {3: torch.eye(2)[0]}
        z = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
        made, its = g.generate(z, known), its_g.generate(z[:, 1:], {2: known[3]})
        torch.testing.assert_close(made[:, 3], its[:, 2], rtol=0, atol=1e-5)


def test_principal_networks_make_what_they_made_of_the_channels_that_are_kept() -> None:
    numbers = Spec("sequence", (8, 2), (Block("continuous", 2),))
    more, fewer = (Spec("sequence", (8, n), (Block("continuous", n),)) for n in (3, 1))
    x = torch.cat([records(numbers, 150), records(Spec("sequence", (8, 1), (Block("continuous", 1),)), 150)], 2)
    x = x * torch.tensor([1.0, 2.0, 0.5])
    z = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
    for here, mine, match in (
        (more, x, Match.of_places([0, 1], [0, 1], 3)),
        (fewer, x[..., 1:2], Match.of_places([0], [1], 1)),
    ):
        (g, _), (its_g, _), shares = begun("principal", here, numbers, match, mine, x[..., :2])
        assert min(shares) > 0.9
        for network in (g, its_g):
            network.low.fill_(-1e9), network.high.fill_(1e9)  # type: ignore[union-attr, operator]
        made, its = (net(z, torch.zeros(6, 0), None) for net in (g, its_g))
        columns, places = match.columns.tolist(), match.rows.tolist()
        # nearly: deviations of components are found anew
        assert torch.corrcoef(torch.stack([made[..., places].flatten(), its[..., columns].flatten()]))[0, 1] > 0.95
        assert made.std(0).min() > 0.01  # the new channel is made as in any training


def test_logits_rise_by_what_is_more_frequent_now() -> None:
    shift = np.arange(9, dtype=np.float32)
    one = np.ones(9, np.float32)
    match = Match(np.arange(9), np.arange(9), one, shift)
    (g, _), (its, _), _ = begun("sequential", ROWS, ROWS, match)
    assert torch.equal(g.state_dict()["head_bias"], its.state_dict()["head_bias"] + torch.arange(9))
    assert torch.equal(g.state_dict()["head_weight"], its.state_dict()["head_weight"])


def test_networks_that_do_not_say_what_their_axes_are_begin_from_the_same_columns_alone() -> None:
    def silent(network: Generator | Discriminator) -> Any:
        network.axes = lambda: None  # type: ignore[method-assign]
        return network

    mine, its = (silent(build("residual", spec, seed=k)[0]) for k, spec in enumerate((OTHER_ROWS, ROWS)))
    with pytest.raises(OptionError, match="the same columns in the same order"):
        take_over(mine, its, [], Match.of_places(range(9), ROWS_MOVED, 9), None, backwards=False)
    mine = silent(build("residual", ROWS)[0])
    assert take_over(mine, its, [], Match.of_places(range(9), range(9), 9), None, backwards=False) == 1


def test_cells_are_found_again_by_value_and_far_ones_by_rank() -> None:
    x = np.random.default_rng(0).normal(size=4000)
    cells, half = Cells.fit(x), Cells.fit(x[::2] + 0.5)
    np.testing.assert_array_equal(cells.overlap(cells), np.eye(cells.num_cells))
    share = half.overlap(cells)
    np.testing.assert_allclose(share.sum(1), 1)
    middles = [(grid.lowers + grid.uppers) / 2 for grid in (half, cells)]
    inside = slice(2, -12)  # beyond the last value of the other grid there is its last cell
    np.testing.assert_allclose((share @ middles[1])[inside], middles[0][inside], atol=0.1)
    years = Cells.fit(x + 1000.0)
    np.testing.assert_allclose(years.overlap(cells), np.eye(cells.num_cells), atol=0.2)
