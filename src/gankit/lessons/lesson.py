"""One GAN on one- or two-dimensional numbers, moved a step at a time, and what can be seen of it between two steps.

Knows networks, the step of `training` and arrays; never pages, requests, files or kinds of data.

Records are standardised, and nothing else is done to them, so that densities, D and G can be drawn in the data's own
unit and a short script in plain PyTorch can play the same game (`gankit.lessons.script`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gankit.errors import DataError, OptionError
from gankit.lessons.settings import LEAST, MOST, Settings
from gankit.networks import build
from gankit.networks.noise import along_noise
from gankit.randomness import numpy_generator, torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game, Turn
from gankit.training.loop import Scores, collapse_alarm, d_scores
from gankit.training.losses import LOSSES
from gankit.training.plan import GameConfig

GRID, SIDE, CELLS = 160, 40, 60
"""Points over which D is drawn for one number, along a side for two, and cells of a histogram."""

FAKES, ARROWS, LINES = 4096, 48, 40
"""Fakes that p_g is drawn from, arrows at fakes, and lines from z to x."""

SCORED, DIRECTIONS = 512, 12
"""Records of each kind that D scores for the caption, and directions along which the distance of pairs is measured."""


class Lesson:
    """A game that is watched.

    Args:
        data: [N] or [N, D] finite numbers, N >= 8. Of more than two columns the two principal components are taken.
        settings: the knobs.

    Attributes:
        x: [N, 1] or [N, 2], the numbers that are learned, in the data's unit. projected: whether they are components.
        mean, spread: what they are standardised by. game: the game.

    Raises:
        DataError: they are too few, or not all numbers.
    """

    def __init__(self, data: Any, settings: Settings) -> None:
        self.settings = settings
        self.x, self.projected = _numbers(data)
        order = numpy_generator(0, "lesson").permutation(len(self.x))
        held = max(2, len(order) // 5)
        self.mean, self.spread = self.x.mean(0), np.maximum(self.x.std(0), 1e-12)
        coded = torch.from_numpy(((self.x - self.mean) / self.spread).astype(np.float32))
        train = order[held:][: settings.records or None]
        self.train, self.heldout = Batches(coded[np.sort(train)]), Batches(coded[np.sort(order[:held])])
        self.game = _game_of(settings, self.dim)
        self.gradient = 0.0

    @property
    def dim(self) -> int:
        """Numbers of a record."""
        return int(self.x.shape[1])

    def step(self, who: str = "both", count: int = 1) -> dict[str, Any]:
        """`count` steps of "d", "g" or "both", and what was on the table in the last.

        Returns:
            plain JSON: step, samples, tensors (name, shape, first values), losses, formulas with their numbers, and how
            far the weights of each layer moved.

        Raises:
            OptionError: nobody is called so. DataError: the game became infinite.
        """
        if who not in ("d", "g", "both"):
            raise OptionError(f"who moves is d, g or both; got {who!r}.")
        moves = {"d_moves": who != "g", "g_moves": who != "d"}
        for _ in range(count - 1):
            self.game.play_turn(self.train, **moves)
        before = self._weights()
        self.game.totals.clear()
        turn = self.game.play_turn(self.train, **moves)
        means = self.game.totals.take()
        if not all(np.isfinite(value) for value in means.values()):
            raise DataError("the game became infinite. Take smaller learning rates, or begin anew.")
        after = self._weights()
        moved = [
            {"layer": name, "by": float((after[name] - w).norm()), "of": float(w.norm()), "shape": list(w.shape)}
            for name, w in before.items()
        ]
        formulas = FORMULAS[self.settings.loss]
        return {
            "who": who, "step": self.game.step, "samples": self.game.samples,
            "epoch": self.game.samples / len(self.train), "tensors": _tensors(turn),
            "d_loss": means["d_loss"], "g_loss": means.get("g_loss"), "penalty": means.get("penalty"),
            "d_formula": formulas.d(turn.real_logits, turn.fake_logits, means["d_loss"]),
            "g_formula": None if who == "d" else f"{formulas.g} = {means['g_loss']:.3f}", "moved": moved,
        }  # fmt: skip

    def picture(self) -> dict[str, Any]:
        """Densities, D and the best possible D, fakes and where G will be pushed, in the data's unit; plain JSON."""
        found = self._line() if self.dim == 1 else self._plane()
        scores = self.scores()
        return found | {
            "dim": self.dim, "projected": self.projected, "step": self.game.step, "samples": self.game.samples,
            "caption": self.caption(scores), "records": {"train": len(self.train), "heldout": len(self.heldout)},
            "scores": {name: float(value) for name, value in vars(scores).items()},
            "distance": self.distance(),
        }  # fmt: skip

    def told_scores(self) -> dict[str, float]:
        """`scores` as plain JSON."""
        return {name: float(value) for name, value in vars(self.scores()).items()}

    def distance(self) -> dict[str, float]:
        """How far fakes are from held-out records, and how far training records are from them: the mean over some
        directions of the distances of quantiles (sliced Wasserstein), in standard deviations of the data.
        """
        angles = np.linspace(0, np.pi, DIRECTIONS, endpoint=False)
        directions = np.ones((1, 1)) if self.dim == 1 else np.stack([np.cos(angles), np.sin(angles)])
        levels = np.linspace(0.01, 0.99, 99)
        fakes, held, train = (
            np.quantile(x.double().numpy() @ directions, levels, axis=0)
            for x in (self.fakes[:2048], self.heldout.x, self.train.x)
        )
        return {"fake": float(np.abs(fakes - held).mean()), "real": float(np.abs(train - held).mean())}

    def scores(self) -> Scores:
        """How D sees training records, held-out records and fakes."""
        game = self.game
        fake = game.sample(game.generator, SCORED, "scored", None)
        sides = (self.train.x[:SCORED], self.heldout.x[:SCORED], fake)
        train, heldout, on_fake = (game.logits(side, None) for side in sides)
        return d_scores(train, heldout, on_fake, LOSSES[self.settings.loss].threshold)

    def caption(self, scores: Scores) -> str:
        """What is happening, as a key of the lesson's texts, by the alarms of every training."""
        if self.game.step == 0:
            return "start"
        if scores.accuracy_train > 0.75 and scores.accuracy_train - scores.accuracy_heldout > 0.1:
            return "memorised"
        if scores.accuracy_heldout > 0.9:
            saturated = self.settings.loss == "minimax" and self.believed(self.fakes[:SCORED]).mean() < 0.05
            return "vanishing" if saturated else "runaway"  # G's gradient is D(G(z)) times that of -log D(G(z))
        if collapse_alarm(self.train.x, self.fakes[: len(self.train)]) or self._lost_modes() > 0.4:
            return "collapse"
        return "even" if abs(scores.accuracy_heldout - 0.5) < 0.07 else "learning"

    def _lost_modes(self) -> float:
        """The share of held-out records with hardly a fake nearby: less than a tenth of what training records have."""
        fake, train, real = self.fakes[:1024], self.train.x[:1024], self.heldout.x[:SCORED]
        near = [(torch.cdist(real, part) < 0.25).double().mean(1) for part in (fake, train)]
        return float((near[0] < 0.1 * near[1]).double().mean())

    @property
    def fakes(self) -> Tensor:
        """Fakes of the same z at every step, standardised [FAKES, D]."""
        return self.game.sample(self.game.generator, FAKES, "lesson", None)

    def decoded(self, x: Tensor) -> np.ndarray:
        """Standardised numbers in the data's unit."""
        return np.asarray(x.double().numpy() * self.spread + self.mean, np.float64)

    def believed(self, x: Tensor) -> np.ndarray:
        """D's score of standardised records in [0, 1], as `Loss.believed` has it."""
        on, real, fake = (
            self.game.logits(side, None).double() for side in (x, self.train.x[:SCORED], self.fakes[:SCORED])
        )
        return np.asarray(LOSSES[self.settings.loss].believed(on, real, fake).numpy())

    def _weights(self) -> dict[str, Tensor]:
        pairs = (("D", self.game.discriminator), ("G", self.game.generator))
        return {f"{who}.{name}": w.detach().clone() for who, net in pairs for name, w in net.named_parameters()}

    def _pushes(self, fake: Tensor) -> Tensor:
        """Minus the gradient of G's loss at each of the fakes, times their number: [n, D]."""
        x = fake.clone().requires_grad_()
        real = self.game.logits(self.train.x[np.arange(len(x)) % len(self.train)], None)
        loss = LOSSES[self.settings.loss].generator(real, self.game.discriminator(x, None))
        (gradient,) = torch.autograd.grad(loss, x)
        return -gradient * len(x)

    def _arrows(self, fake: Tensor) -> list[list[list[float]]]:
        """[[from, to], ...] at some fakes, in the data's unit; the longest is as long as a sixth of the spread."""
        some = fake[:ARROWS]
        push = self._pushes(some)
        push = push / push.norm(dim=1).max().clamp_min(1.0) / 2
        ends: list[list[list[float]]] = (
            np.stack([self.decoded(v) for v in (some, some + push)], axis=1).round(4).tolist()
        )
        return ends

    @cached_property
    def _axes(self) -> list[np.ndarray]:
        low, high = np.quantile(self.x, 0.002, axis=0), np.quantile(self.x, 0.998, axis=0)
        margin = 0.25 * np.maximum(high - low, 1e-9)
        count = GRID if self.dim == 1 else SIDE
        return [np.linspace(a, b, count) for a, b in zip(low - margin, high + margin, strict=True)]

    def _coded(self, x: np.ndarray) -> Tensor:
        return torch.from_numpy(((x - self.mean) / self.spread).astype(np.float32))

    def _line(self) -> dict[str, Any]:
        (grid,), fake = self._axes, self.fakes
        edges = np.linspace(grid[0], grid[-1], CELLS + 1)
        p, q = (_density(values, edges) for values in (self.x[:, 0], self.decoded(fake)[:, 0]))
        best = np.where(p + q > 0, p / np.maximum(p + q, 1e-300), 0.5)
        z, x = self._noise()
        return {
            "x": grid.tolist(), "d": self.believed(self._coded(grid[:, None])).tolist(), "edges": edges.tolist(),
            "p": p.tolist(), "q": q.tolist(), "d_star": best.tolist(), "z": z.tolist(), "x_of_z": x.tolist(),
            "arrows": [[a[0], b[0]] for a, b in self._arrows(fake)],
        }  # fmt: skip

    def _noise(self) -> tuple[np.ndarray, np.ndarray]:
        """z [LINES], along the direction in which G moves most, and what G makes of it."""
        draws = torch_generator(self.settings.seed, "lesson's noise")
        z = torch.randn(512, self.game.generator.num_latents, generator=draws)
        with torch.no_grad():
            x = self.game.generator(z, torch.zeros(512, self.game.generator.num_uniforms), None)
        made = self.decoded(x)[:, 0]
        along, shown = along_noise(z.double().numpy(), made, LINES)
        return along[shown], made[shown]

    def _plane(self) -> dict[str, Any]:
        fake, (across, up) = self.fakes, self._axes
        points = np.stack([p.ravel() for p in np.meshgrid(across, up)], axis=1)
        return {
            "x": across.tolist(), "y": up.tolist(),
            "d": self.believed(self._coded(points)).reshape(SIDE, SIDE).tolist(),
            "real": self.x[:600].round(4).tolist(), "fake": self.decoded(fake[:600]).round(4).tolist(),
            "arrows": self._arrows(fake), "warped": self._warped(),
        }  # fmt: skip

    def _warped(self) -> list[list[list[float]]]:
        """Where G takes the lines of a square grid in the first two numbers of z: polylines in the data's unit."""
        side, along = np.linspace(-2, 2, 9), np.linspace(-2, 2, 41)
        lines = [np.stack([np.full(41, s), along], 1) for s in side] + [
            np.stack([along, np.full(41, s)], 1) for s in side
        ]
        z = torch.zeros(len(lines), 41, self.game.generator.num_latents)
        count = min(2, z.shape[2])
        z[:, :, :count] = torch.from_numpy(np.stack(lines).astype(np.float32))[:, :, :count]
        flat = z.flatten(0, 1)
        with torch.no_grad():
            x = self.game.generator(flat, torch.zeros(len(flat), self.game.generator.num_uniforms), None)
        return self.decoded(x).round(4).reshape(len(lines), 41, 2).tolist()


def _numbers(data: Any) -> tuple[np.ndarray, bool]:
    """Data as [N, 1] or [N, 2], and whether it was projected."""
    try:
        x = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("a lesson takes numbers. Bring a list of them, or of pairs.") from None
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not x.shape[1] or len(x) < LEAST:
        raise DataError(f"a lesson takes at least {LEAST} numbers or pairs. Bring more.")
    if not np.isfinite(x).all() or np.abs(x).max() > 1e12:
        raise DataError("some of the numbers are missing, infinite or huge. Leave these records out.")
    if not (x.std(0) > 0).any():
        raise DataError("all records are the same, so that there is nothing to learn. Bring others.")
    if len(x) > MOST:
        x = x[np.sort(numpy_generator(0, "lesson's part").permutation(len(x))[:MOST])]
    if x.shape[1] <= 2:
        return x, False
    scaled = (x - x.mean(0)) / np.maximum(x.std(0), 1e-12)
    directions = np.linalg.svd(scaled, full_matrices=False)[2][:2]
    directions *= np.sign(directions[np.arange(2), np.abs(directions).argmax(1)])[:, None]
    return scaled @ directions.T, True


def _game_of(settings: Settings, dim: int) -> Game:
    spec = Spec("vector", (dim,), (Block("continuous", dim),))
    latents = settings.latents or dim
    pair = build("residual", spec, width=settings.width, depth=settings.depth, num_latents=latents, seed=settings.seed)
    config = GameConfig(
        total_samples=10**12, loss=settings.loss, penalty=settings.penalty, penalty_weight=settings.weight,
        learning_rate=settings.d_rate, generator_rate=settings.g_rate / settings.d_rate, final_learning_rate=1.0,
        batch=settings.batch, d_steps=settings.d_steps, ema_half_life=0.0, early_stop=False, seed=settings.seed,
    )  # fmt: skip
    return Game(*pair, config)


def _tensors(turn: Turn) -> list[dict[str, Any]]:
    named = {"z": turn.z, "x_fake": turn.shown, "x_real": turn.real, "D(x_real)": turn.real_logits,
             "D(x_fake)": turn.fake_logits}  # fmt: skip
    return [
        {"name": name, "shape": list(t.shape), "mean": float(t.detach().double().mean()),
         "values": t.detach().flatten()[:6].double().round(decimals=3).tolist()}
        for name, t in named.items()
    ]  # fmt: skip


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A histogram [CELLS] of area 1, smoothed by one cell to either side."""
    counts = np.histogram(values, edges)[0].astype(np.float64)
    smooth = np.convolve(np.pad(counts, 1), [0.25, 0.5, 0.25], mode="same")[1:-1]
    return np.asarray(smooth / max(len(values), 1) / (edges[1] - edges[0]))


@dataclass(frozen=True)
class Formula:
    """A loss as a reader sees it: D's terms, each with its function of D's logits, and G's."""

    terms: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor]], ...]
    g: str

    def d(self, real: Tensor, fake: Tensor, total: float) -> str:
        """D's loss with the numbers of a step in it."""
        values = " + ".join(f"{float(of(real, fake)):.3f}" for _, of in self.terms)
        return f"{' + '.join(text for text, _ in self.terms)} = {values} = {total:.3f}"


def _mean(of: Callable[[Tensor], Tensor], fake: bool) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda on_real, on_fake: of(on_fake if fake else on_real).mean()


_soft = torch.nn.functional.softplus
_LOGS = (
    ("mean(−log D(x))", _mean(lambda t: _soft(-t), False)), ("mean(−log(1 − D(G(z))))", _mean(_soft, True)),
)  # fmt: skip
FORMULAS: Mapping[str, Formula] = {
    "minimax": Formula(_LOGS, "mean(log(1 − D(G(z))))"),
    "nonsaturating": Formula(_LOGS, "mean(−log D(G(z)))"),
    "leastsquares": Formula(
        (("½ mean((D(x) − 1)²)", _mean(lambda t: 0.5 * (t - 1) ** 2, False)),
         ("½ mean(D(G(z))²)", _mean(lambda t: 0.5 * t**2, True))), "½ mean((D(G(z)) − 1)²)",
    ),
    "hinge": Formula(
        (("mean(max(0, 1 − D(x)))", _mean(lambda t: (1 - t).relu(), False)),
         ("mean(max(0, 1 + D(G(z))))", _mean(lambda t: (1 + t).relu(), True))), "mean(−D(G(z)))",
    ),
    "wasserstein": Formula(
        (("mean(−D(x))", _mean(torch.neg, False)), ("mean(D(G(z)))", _mean(torch.clone, True))), "mean(−D(G(z)))",
    ),
    "relativistic": Formula(
        (("mean(log(1 + exp(D(G(z)) − D(x))))", lambda real, fake: _soft(fake - real).mean()),),
        "mean(log(1 + exp(D(x) − D(G(z)))))",
    ),
}  # fmt: skip
"""Each loss with its terms; D(x) is the sigmoid of the logit where a logarithm is taken of it, else the logit."""
