"""What every generator, discriminator and pair of them is.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.randomness import key
from gankit.spec import Form, Spec

RecordType = Literal["vector", "choices", "image", "sequence", "symbols", "signal"]
"""What a pair makes: a form, or a narrower one. "choices": a vector of one-of-K blocks alone. "symbols": a sequence of
one one-of-K block a step, whose code 0 ends it. "signal": a long sequence of numbers in [-1, 1]."""

NOUNS: dict[RecordType, str] = {
    "vector": "vectors", "choices": "tables", "image": "images", "sequence": "series", "symbols": "texts",
    "signal": "audio",
}  # fmt: skip
"""What the user calls them."""


@dataclass(frozen=True)
class Axis:
    """What an axis of a tensor runs along, where that follows from the records.

    parts: one behind another; each is a product, from the outermost to the innermost, of "steps", "numbers" (of a step,
        or of a record without steps), "continuous" and "chosen" (those of continuous blocks, and the others), "blocks",
        "condition" (the numbers of c), or of as many as is said.
    enters: whether the network takes in what runs along it: what is new is multiplied by 0 at first, so that what was
        learned of the rest holds.
    turned: whether what is new are directions at right angles to what is known, and not places.
    """

    parts: tuple[tuple[str | int, ...], ...]
    enters: bool = False
    turned: bool = False


Axes = Mapping[str, Mapping[int, Axis]]
"""By the name of a tensor and the number of an axis; of a tensor that nothing else may be put into there are none."""

NUMBERS, BLOCKS, STEPS = Axis((("numbers",),)), Axis((("blocks",),)), Axis((("steps",),))
RECORD = Axis((("steps", "numbers"),))


class Network(nn.Module, ABC):
    """A G or a D.

    Attributes:
        spec: the records it makes, or tells apart.
        condition: the spec of c, or None for an unconditional network.
        num_uniforms: numbers of u, the uniform draws of G's discrete choices or of D's dropout (0 where it has none).
        multiply_in: type that its inner layers multiply in, where the family can use another one than float32.
        starts_from_records: whether something of it is set from training records before training, by
            `start_from_records`.
        mixes: records that are looked at together, side by side in a batch; processes that share a batch share it in
            blocks of so many. What is taken over the whole batch is taken over all processes (`ranks.mean`).
    """

    multiply_in: torch.dtype = torch.float32
    starts_from_records: bool = False
    mixes: int = 1
    spec: Spec
    condition: Spec | None
    num_uniforms: int = 0

    def axes(self) -> Axes | None:
        """What the axes of its tensors run along, so that it can begin as one for other records was left (`transfer`).

        None: only for the same numbers in the same order.
        """
        return None

    def own_bases(self, other: Network, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Further words of its axes, and the sparse matrices from what they run along in another network to here.

        found: those of the words of `Axis`.
        """
        return {}

    def take_turn(self, step: int) -> None:
        """Says which step of the training comes, where not all of the network learns at each."""

    def constrain(self) -> None:
        """Puts the weights back where they must be, after each step of the optimiser."""

    def start_from_records(self, x: Tensor) -> None:
        """Sets what can be set from training records x [N, *spec.shape] float32; its state holds it."""


class Generator(Network):
    """G: noise to fakes, from z of `num_latents` numbers."""

    num_latents: int

    # What a G can do beyond `forward`: itself where it can, else None.

    @property
    def likelihood(self) -> LikelihoodGenerator | None:
        """The G itself, where it has a likelihood."""
        return None

    @property
    def styled(self) -> StyleGenerator | None:
        """The G itself, where it has an intermediate latent space of styles."""
        return None

    @property
    def by_column(self) -> ColumnGenerator | None:
        """The G itself, where it makes a record block by block and any block can be restricted."""
        return None

    @property
    def by_choice(self) -> ChoiceGenerator | None:
        """The G itself, where it makes all blocks of a record at once and each is a choice."""
        return None

    @property
    def by_symbol(self) -> SymbolGenerator | None:
        """The G itself, where it makes a sequence symbol by symbol."""
        return None

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


class LikelihoodGenerator(Generator):
    """A G that has a likelihood: it can warm up on it before the game, and hold on to it in the game.

    Attributes:
        num_order_uniforms: numbers of the uniform draws that choose the order of the chain rule for a record.
    """

    num_order_uniforms: int

    @property
    def likelihood(self) -> LikelihoodGenerator:
        """See `Generator.likelihood`."""
        return self

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


class ColumnGenerator(LikelihoodGenerator):
    """A G that makes a record block by block, each given those before, so that any block can be restricted exactly.

    Attributes:
        num_candidates: draws among which one is chosen by weight where several blocks are restricted to sets.
        num_members: of several, the last number of z says by which a record is made.
    """

    num_candidates: int
    num_members: int = 1

    @property
    def by_column(self) -> ColumnGenerator:
        """See `Generator.by_column`."""
        return self

    @abstractmethod
    def needs_candidates(self, allowed: Mapping[int, Tensor]) -> bool:
        """Whether two or more blocks are restricted to several cells (block -> [K] weights of its cells)."""

    @abstractmethod
    def generate(
        self,
        z: Tensor,
        allowed: Mapping[int, Tensor],
        candidate_uniforms: Tensor | None = None,
        masks: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """Compact fakes [B, num_blocks] float64, code + position, with some blocks restricted.

        Args:
            z: [B, num_latents] float32, standard normal.
            allowed: block -> [K] float32 in [0, 1], the share of each cell that is allowed; not all zero.
            candidate_uniforms: [B, num_candidates * n + 1] float64 in (0, 1), n restricted blocks; needed where
                `needs_candidates(allowed)`.
            masks: block -> [K] float32, 0 for cells that must never be made; these blocks keep their place.
        """

    @abstractmethod
    def fill(
        self, code: Tensor, known: Tensor, uniforms: Tensor, allowed: Mapping[int, Tensor], order: Sequence[int]
    ) -> Tensor:
        """Compact records [B, num_blocks] float64, code + position: `code` where it is known, else drawn given what is
        known and what was drawn before. A row does not depend on what the others hold.

        Args:
            code: [B, num_blocks] int64; any cell where it is not known.
            known: [B, num_blocks] bool.
            uniforms: [B, num_latents] float64 in (0, 1).
            allowed: block -> [K] or [B, K] float32, the share of each cell that may be drawn; no row is all zero.
            order: all blocks, those that are drawn first in front.
        """

    @abstractmethod
    def cell_logits(self, x: Tensor, u: Tensor, dropout: Tensor | None = None) -> list[Tensor]:
        """For each block [B, K] the logits of its cells given the blocks before it, which are those of real records.

        Args:
            x, u, dropout: as in `likelihood_loss`; u orders the blocks.
        """

    @abstractmethod
    def log_probabilities(self, code: Tensor, rank: Tensor, blocks: Sequence[int]) -> Tensor:
        """Log-probabilities [B, n] float64 of the cells of n blocks, each given the blocks of a smaller rank.

        Args:
            code: [B, num_blocks] int64. rank: [B, num_blocks] float; a block of rank inf is given to none.
        """


class ChoiceGenerator(Generator):
    """A G that chooses the cells of all blocks of a record at once, independently of each other given z and c."""

    @property
    def by_choice(self) -> ChoiceGenerator:
        """See `Generator.by_choice`."""
        return self

    @abstractmethod
    def choices(self, z: Tensor, u: Tensor, c: Tensor | None) -> tuple[list[Tensor], Tensor]:
        """For each block [B, K] the logits of its cells, and the cells [B, F] int64 that `forward` chooses.

        z, u, c: as in `forward`.
        """


class SymbolGenerator(LikelihoodGenerator):
    """A G that makes a sequence symbol by symbol, each given those before."""

    @property
    def by_symbol(self) -> SymbolGenerator:
        """See `Generator.by_symbol`."""
        return self

    @abstractmethod
    def generate(
        self,
        z: Tensor,
        u: Tensor,
        c: Tensor | None,
        prefix: Tensor | None = None,
        temperature: float = 1.0,
        forbidden: Tensor | None = None,
    ) -> Tensor:
        """Codes [B, T] int64, without gradients.

        Args:
            z, u, c: as in `forward`; u[:, t] decides symbol t, whatever the prefix.
            prefix: [P] int64, P <= T: the symbols that every sequence begins with.
            temperature: logits are divided by it; below 1 likelier symbols become likelier still.
            forbidden: [K] bool, or [T, K] bool for each step: symbols that are never chosen. At least one stays.
        """


class StyleGenerator(Generator):
    """A G with an intermediate latent space: z is mapped to styles w, one a layer, and the image is made from w.

    In training mode `forward` mixes styles (Karras et al. 2019, section 3.1) by draws from `u`; in evaluation mode
    it does not.

    Attributes:
        num_styles: layers that take a style.
        style_dim: numbers of one style.
        first_uniform: the first number of u of the batch, of all processes' together, set while a step is played: G
            need not ask the device for it. None = it must.
    """

    num_styles: int
    style_dim: int
    first_uniform: float | None = None

    @property
    def styled(self) -> StyleGenerator:
        """See `Generator.styled`."""
        return self

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


class Discriminator(Network):
    """D: a record to one logit, large for real."""

    @property
    def differentiated(self) -> DifferentiatedDiscriminator | None:
        """The D itself, where it gives its own input gradient; else None."""
        return None

    @property
    def by_column(self) -> ColumnDiscriminator | None:
        """The D itself, where it plays a game for every block against a `ColumnGenerator`; else None."""
        return None

    @property
    def by_choice(self) -> ChoiceDiscriminator | None:
        """The D itself, where it plays a game for every block against a `ChoiceGenerator`; else None."""
        return None

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

    def places(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """The logits that losses are taken of: [B], or [B, P] of places of which `forward` gives the mean; as there."""
        logits: Tensor = self(x, c, u)
        return logits


class DifferentiatedDiscriminator(Discriminator):
    """A D that gives its own input gradient, faster than differentiating it twice would."""

    @property
    def differentiated(self) -> DifferentiatedDiscriminator:
        """See `Discriminator.differentiated`."""
        return self

    @abstractmethod
    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits [B] as `forward` gives them, and ||grad_x D(x)||^2 [B]; both flow back to the weights, not to x."""


class ColumnDiscriminator(Discriminator):
    """A D that gives every cell of a block a logit, given the blocks before it."""

    @property
    def by_column(self) -> ColumnDiscriminator:
        """See `Discriminator.by_column`."""
        return self

    @abstractmethod
    def cell_logits(self, x: Tensor, u: Tensor) -> list[Tensor]:
        """For each block [B, K] the logits of its cells; see `ColumnGenerator.cell_logits`."""


class ChoiceDiscriminator(Discriminator):
    """A D that says of a record what its logit would be if one of its blocks stood at another cell."""

    @property
    def by_choice(self) -> ChoiceDiscriminator:
        """See `Discriminator.by_choice`."""
        return self

    @abstractmethod
    def cells_given_others(
        self, code: Tensor, known: Tensor, c: Tensor | None, which: Sequence[int] | None = None
    ) -> list[Tensor]:
        """For each block [B, K] the logits of the records in which it stands at each of its cells.

        Args:
            code: [B, F] int64, records.
            known: [B, F] float32, 1 for blocks that are looked at while others are judged, 0 for those that are hidden.
            c: [B, condition.dim] float32, or None.
            which: some of the blocks; None = all.
        """


Networks = tuple[Generator, Discriminator]

Builder = Callable[[Spec, Spec | None, int | None, int | None, int], Networks]
"""(records, condition, width, depth, numbers of z) -> (G, D); width and depth None = the pair's own default."""


@dataclass(frozen=True)
class Task:
    """What the recipe of a pair depends on.

    spec: the records.
    rows: how many train.
    batch, penalty, warmup: what the user asked for; None = the recipe decides.
    judged_by_likelihood: whether held-out records are so few that G's likelihood chooses the checkpoint.
    mean_square: of a number of a signal.
    """

    spec: Spec
    rows: int
    batch: int | None = None
    penalty: str | None = None
    warmup: float | None = None
    judged_by_likelihood: bool = False
    mean_square: float = 1.0

    def batch_of(self, size: int) -> int:
        """What the user asked for, or `size`; at most a quarter of few records."""
        return min(self.batch or size, max(4, self.rows // 4))


@dataclass(frozen=True)
class Pair:
    """A generator and a discriminator that belong together, and all that follows from them.

    name: of `--network`.
    makes: the types of records it is for.
    builder: makes both networks.
    limit: why it cannot make records of a spec of these types, as in "makes series of at most 2,048 numbers"; None = it
        can.
    latents: numbers of z where the user names none.
    width: hidden units of new models for records of a spec, where the user names none; None = what `builder` takes,
        which is also what it took for a model whose file names none.
    recipe: how it is trained, as fields of `GameConfig`: those of its paper, or measured ones. What is not named
        follows from the kind of data, or stands in `GameConfig`.
    bfloat16: the forms of records for which its inner layers can multiply in bfloat16.
    bfloat16_by_default: whether they do where the hardware has it.
    pretrained: whether D sees with a network that was trained on photographs, so that the extra of that name is needed.
    augmented: whether D is shown augmented and mirrored images by default.
    likelihood: whether G has a likelihood to warm up by.
    joined: makes one pair of several, an ensemble; None = it cannot.
    takes_condition: whether G takes c; where not, any block of a record can be given.
    most_blocks: blocks of a record above which another pair is chosen by default.
    unused: options that it cannot obey, and why.
    """

    name: str
    makes: tuple[RecordType, ...]
    builder: Builder
    limit: Callable[[Spec], str | None] = lambda spec: None
    latents: int = 100
    width: Callable[[Spec], int | None] = lambda spec: None
    recipe: Callable[[Task], dict[str, Any]] = lambda task: {}
    bfloat16: tuple[Form, ...] = ()
    bfloat16_by_default: bool = True
    pretrained: bool = False
    augmented: bool = True
    likelihood: bool = False
    joined: Callable[[Sequence[Any]], Networks] | None = None
    takes_condition: bool = True
    most_blocks: int | None = None
    unused: Mapping[str, str] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        """What it makes, in the user's words."""
        return " and ".join(NOUNS[found] for found in self.makes)

    def refusal(self, spec: Spec) -> str | None:
        """Why it cannot make such records, after "--network NAME"; None = it can.

        >>> from gankit.networks import NETWORKS
        >>> NETWORKS["strided"].refusal(Spec("vector", (4,)))
        'makes images, and these records are a vector of 4 numbers'
        """
        if not _types_of(spec) & set(self.makes):
            return f"makes {self.noun}, and these records are {_described(spec)}"
        return self.limit(spec)

    def refuse(self, options: Mapping[str, Any]) -> None:
        """Refuses options that are set (not None) and that it cannot obey.

        Raises:
            OptionError: the first one, and why.
        """
        for name, why in self.unused.items():
            if options.get(name) is not None:
                raise OptionError(f"--{name}: {why}. Leave it out.")

    def build(
        self,
        spec: Spec,
        condition: Spec | None = None,
        *,
        width: int | None = None,
        depth: int | None = None,
        num_latents: int | None = None,
        members: int | None = None,
        seed: int = 0,
    ) -> Networks:
        """Fresh networks on the CPU; their weights are a function of (spec, sizes, seed) alone.

        Args:
            spec: the records.
            condition: the spec of c, or None.
            width: hidden units, or None for the pair's own default.
            depth: layers or blocks, or None for the pair's own default.
            num_latents: numbers of z, or None for the pair's own default.
            members: networks of the ensemble that G is; None or 1 = G is one network.
            seed: of the initial weights. torch's global random state is as it was afterwards.

        Raises:
            OptionError: it cannot make such records, or has no use for a size.
        """
        reason = self.refusal(spec)
        if reason is not None:
            raise OptionError(f"--network {self.name} {reason}. Use --network residual, or leave --network out.")
        self.refuse({"width": width, "depth": depth})
        built = []
        with torch.random.fork_rng(devices=[]):
            for member in range(members or 1):
                torch.default_generator.manual_seed(key(seed, "init", *[member] * (member > 0)))
                built.append(self.builder(spec, condition, width, depth, num_latents or self.latents))
        if len(built) == 1:
            return built[0]
        if self.joined is None:
            raise OptionError(f"--members {members}: a {self.name} network is no ensemble. Leave it out.")
        return self.joined(built)


def _types_of(spec: Spec) -> set[RecordType]:
    """The types that records are of."""
    types = [block.type for block in spec.blocks]
    found: set[RecordType] = {spec.form}
    if spec.form == "vector" and "continuous" not in types:
        found.add("choices")
    if spec.form == "sequence" and types == ["categorical"]:
        found.add("symbols")
    if spec.form == "sequence" and set(types) == {"continuous"}:
        found.add("signal")
    return found


def _described(spec: Spec) -> str:
    """Records in a few words, as in "a vector of 4 numbers"."""
    numbers = sum(block.size for block in spec.blocks if block.type == "continuous") if spec.blocks else spec.shape[-1]
    choices = sum(block.type != "continuous" for block in spec.blocks)
    if spec.form == "image":
        return f"images of {spec.shape[2]} x {spec.shape[1]} pixels"
    parts = [f"{numbers} numbers"] * (numbers > 0) + [f"{choices} choices"] * (choices > 0)
    return f"a {spec.form} of " + ("" if spec.form == "vector" else f"{spec.shape[0]} steps of ") + " and ".join(parts)
