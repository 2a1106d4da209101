"""Milliseconds of a step of the residual pair, and of its exact penalty by its own input gradient and by autograd.

    OMP_NUM_THREADS=1 python benchmarks/step.py

Records like Adult's: 14 one-of-K blocks and 20 plain numbers, 486 in all; batch 256, 128 wide, 3 blocks, one thread.
The best of 60 tries, since whatever else the machine does only adds time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from gankit.networks import build
from gankit.networks.base import Discriminator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

SIZES = (2, 7, 16, 9, 7, 15, 6, 5, 2, 42, 74, 92, 99, 90)
SPEC = Spec("vector", (sum(SIZES) + 20,), (*(Block("categorical", n) for n in SIZES), Block("continuous", 20)))
BATCH = 256


class Plain(Discriminator):
    """A D without its own input gradient, so that autograd differentiates it twice."""

    def __init__(self, inner: Discriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """The logits [B] of the inner D."""
        logits: Tensor = self.inner(x, c, u)
        return logits


def best_ms(work: Callable[[], object]) -> float:
    """Milliseconds of the fastest of 60 tries."""
    times = []
    for _ in range(60):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main() -> None:
    """Print the table as Markdown."""
    torch.set_num_threads(1)
    generator, discriminator = build("residual", SPEC, width=128, depth=3)
    x = torch.randn(20 * BATCH, SPEC.dim, generator=torch.Generator().manual_seed(0))
    params = list(discriminator.parameters())

    def turn(d: Discriminator, penalty: str, method: str) -> None:
        draws = PenaltyDraws(directions=torch.randn(2 * BATCH, SPEC.dim) if method == "finite" else None)
        played = discriminator_turn(
            d, LOSSES["relativistic"], PENALTIES[penalty], method, x[:BATCH], x[BATCH : 2 * BATCH], None, None, draws,  # type: ignore[arg-type]
        )  # fmt: skip
        torch.autograd.grad(played.loss + played.penalty, params)

    game = Game(generator, discriminator, GameConfig(total_samples=10**9, batch=BATCH))
    train = Batches(x)
    rows = {
        "D's turn without a penalty": best_ms(lambda: turn(discriminator, "none", "exact")),
        "D's turn, R1 + R2 exact, autograd twice": best_ms(lambda: turn(Plain(discriminator), "r1r2", "exact")),
        "D's turn, R1 + R2 exact, its own input gradient": best_ms(lambda: turn(discriminator, "r1r2", "exact")),
        "D's turn, R1 + R2 by finite differences": best_ms(lambda: turn(discriminator, "r1r2", "finite")),
        "a whole step of the game": best_ms(lambda: game.play_step(train)),
    }
    print("| what | ms |\n|---|---|")
    for name, ms in rows.items():
        print(f"| {name} | {ms:.1f} |", flush=True)


if __name__ == "__main__":
    main()
