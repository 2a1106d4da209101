"""What every kind of data states, so that no other module need know any kind by name.

Knows options, columns, codecs and what training and sampling ask of data; never a single kind. Importing this module
imports no torch.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

import numpy as np

from gankit.columns.codec import Codec, TableCodec
from gankit.columns.column import Values
from gankit.columns.conditions import Condition, conditions_of
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError, OutputError
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat
from gankit.kinds.options import Options
from gankit.metrics.metric import Interval
from gankit.metrics.metric import Noun as Noun

if TYPE_CHECKING:
    from torch import Tensor

    from gankit.kinds.assessment import Assessment

Notes = list[str]
"""Decisions that were made for the user, one line each; functions append to it."""

Target = str | Path | IO[bytes]
"""A file or a folder to write to, a binary stream, or "-" for standard output."""

D = TypeVar("D", bound="Dataset")
C = TypeVar("C", bound=Codec[Any])
D_co = TypeVar("D_co", bound="Dataset", covariant=True)
C_co = TypeVar("C_co", bound=Codec[Any], covariant=True)


@dataclass(frozen=True, repr=False)
class Dataset:
    """The records of one part, training or held-out.

    values: parsed columns, [n] each: of rows all columns, of other records those of their labels (and of texts the
        texts).
    """

    values: Mapping[str, Values]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())).data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self):,} records>"

    @property
    def total(self) -> int:
        """All records of the part, of which these may be some."""
        return len(self)

    def take(self: D, rows: np.ndarray) -> D:
        """The records at `rows` [m] int64, in that order."""
        return replace(self, values={name: v.take(rows) for name, v in self.values.items()})

    def chunks(self: D, size: int) -> Iterator[D]:
        """All records in order, `size` at a time."""
        for begin in range(0, len(self), size):
            yield self.take(np.arange(begin, min(begin + size, len(self))))


@dataclass(frozen=True)
class Coded:
    """A dataset as numbers, which training makes into tensors a batch at a time.

    x: [N, ...] compact numbers (see `Codec`); a memory-mapped array is read ahead of the steps.
    rows: [n] int64, the rows of x that are meant; None = all.
    scale: what compact numbers are multiplied by (1 = as they are).
    given: [N, K], the codes of the given columns, where the part's values are not all; else None.
    """

    x: np.ndarray
    rows: np.ndarray | None = None
    scale: float = 1.0
    given: np.ndarray | None = None


@dataclass(frozen=True)
class Prepared(Generic[D_co, C_co]):
    """Data, ready for training.

    Attributes:
        kind: what reads, shows and writes such records.
        origin: the form that the records came in. schema: their columns; of images and the like those of their labels.
        network: a key of NETWORKS.
        train, heldout: the records of the two parts.
        codec: of the generated columns; given: of the columns in c, or None.
        data_hash: SHA-256 of the records.
        given_names: of the columns the model is conditioned on, whether c holds them or they come first in its order.
    """

    kind: Kind[Any, Any]
    origin: Origin = field(repr=False)
    schema: Schema = field(repr=False)
    network: str
    train: D_co
    heldout: D_co
    codec: C_co = field(repr=False)
    given: TableCodec | None = field(repr=False)
    data_hash: str
    given_names: tuple[str, ...]

    @property
    def num_train(self) -> int:
        """Training records."""
        return self.train.total

    @cached_property
    def combinations(self) -> tuple[np.ndarray, np.ndarray]:
        """The combinations of given cells that training shows, [M, columns] int64, and how often each, [M] float64."""
        assert self.given is not None
        codes = np.floor(self.given.encode(self.train.values)).astype(np.int64)
        unique, counts = np.unique(codes, axis=0, return_counts=True)
        return unique, counts.astype(np.float64)

    @property
    def num_heldout(self) -> int:
        """Held-out records."""
        return len(self.heldout)


def spread(part: D, count: int) -> D:
    """At most `count` records of a part, spread evenly over all."""
    return part.take(np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64)))


class Fakes(Protocol):
    """Synthetic records of one generator, made when they are asked for."""

    def sample_batches(self, n: int, seed: int = 0) -> Iterator[Any]:
        """The first `n` records of a seed in the user's own form, a block at a time."""

    def made(self, n: int, seed: int = 0) -> np.ndarray:
        """The first `n` records of a seed as compact numbers."""

    def first(self, n: int, seed: int = 0) -> np.ndarray:
        """As `made`, but only `n` rows of one block are computed, so that other bits may come out."""

    def few(self, n: int, seed: int = 0) -> Any:
        """`n` records in the user's own form, of which no more are computed; other ones than those of a seed."""


class Evidence(Protocol):
    """What the records of a run are measured by, made at its start and kept in its folder."""

    @property
    def name(self) -> str:
        """In a few words."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain JSON values; `Kind.load_evidence` takes them back."""


@dataclass(frozen=True)
class HeldOutMetric:
    """What chooses the checkpoints of a run and may stop it.

    name: in a few words. value: from fakes to the figure, larger is better, alone or with the ends of its 95% interval.
    """

    name: str
    value: Callable[[Fakes], float | Interval]


PreviewForm = Literal["grid", "lines", "texts", "rows", "scatter"]


@dataclass(frozen=True)
class Sounds:
    """Audio clips to listen to. rate: samples a second. clips: [T, C] int16 each."""

    rate: int
    clips: Sequence[np.ndarray]


@dataclass(frozen=True)
class Preview:
    """Records that are kept to be looked at, fakes of fixed latents or held-out ones, in a form that pages draw.

    form: "grid" (images [n, H, W, C] uint8), "lines" (series [n, T, C] float32), "texts" (a list), "rows" (an Arrow
        table of texts) or "scatter" (numbers [n, D] float32).
    broken: rules of the data by their texts, and the share of these records that breaks each; records that users sample
        are drawn again where they do.
    numbers: of "rows" the columns of numbers and times whose texts are no plain numbers ("28,46 EUR", dates), [n]
        float64 each, times in seconds since 1970; NaN where a cell is missing.
    sounds: of audio clips a few to listen to, where a callback is told of them; None of what is kept in a run folder.
    """

    form: PreviewForm
    records: Any
    broken: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    sounds: Sounds | None = None


class Kind(ABC, Generic[D, C]):
    """A kind of data.

    Attributes:
        name: as in `--kind`, in model files and in run folders.
        noun: of one record and of many. described: what such data is, as in "--size is for images".
        options: its own options of train, sample and evaluate.
        conditioned: how such records come to something that can be asked for with `where`; `{name}` stands for it.
        side_by_side: whether blocks of samples are made side by side, a thread each.
        most_fakes: fakes that are judged at the most where nobody says how many; None = no limit.
        measures_threads: whether the number of threads that pays is measured at the start of a run.
        few_heldout: with fewer held-out records a checkpoint is chosen by the likelihood, where G has one.
        has_places: whether latent space can be walked: `interpolate`, `project`, `mix`.
        is_guess: whether such data may as well be meant as another kind, which is then asked for a hint.
        augmentation: what D is shown images with by default, where the pair is augmented.
        recipe: fields of `GameConfig` that such records set in place of the pair's recipe.
        codec: its class.
        assessed_by: the place of the `Assessment`, where `assessment` is not its own: as "package.module:Class".
    """

    name: str
    noun: Noun
    described: str
    options: Options = Options()
    conditioned: str
    side_by_side: bool = True
    most_fakes: int | None = None
    measures_threads: bool = False
    few_heldout: int = 0
    has_places: bool = False
    is_guess: bool = False
    augmentation: str = "none"
    recipe: Mapping[str, Any] = MappingProxyType({})
    codec: type[C]
    assessed_by: str

    @abstractmethod
    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """Whether a source holds such records; asked only where `--kind` is auto."""

    @abstractmethod
    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[Any, Any]:
        """Reads, understands, splits and codes.

        Raises:
            DataError: the data cannot be read or learned from. OptionError: an option does not fit it.
        """

    def hint(self, probe: Probe, config: TrainConfig) -> str | None:
        """One line where rows that another kind took may be meant as records of this one; else None."""
        return None

    @abstractmethod
    def coded(self, prepared: Prepared[D, C], part: D) -> Coded:
        """The records of a part as compact numbers."""

    def like(self, source: Any, prepared: Prepared[D, C], config: TrainConfig) -> D:
        """Other records of the same columns, size and labels, from wherever they are; config: of the training.

        Raises:
            DataError: they cannot be read, or are of another sort. OptionError: this kind reads no others.
        """
        raise OptionError(f"D scores no other {self.noun.many} than those of a training. Score with game.logits.")

    def mean_square(self, prepared: Prepared[D, C]) -> float:
        """Of the numbers of training records, where they are signals."""
        return 1.0

    def settle(self, prepared: Prepared[D, C], config: TrainConfig, notes: Notes) -> TrainConfig:
        """The config with those options settled that are found out by measuring at the start."""
        return config

    def evidence(self, prepared: Prepared[D, C], config: TrainConfig, notes: Notes) -> Evidence | None:
        """What the records of a run are measured by, where that is trained or chosen at its start; else None."""
        return None

    def load_evidence(
        self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any], prepared: Prepared[D, C]
    ) -> Evidence | None:
        """What `Evidence.state` gave."""
        return None

    @abstractmethod
    def held_out_metric(
        self, prepared: Prepared[D, C], config: TrainConfig, evidence: Any, fakes_seed: int
    ) -> HeldOutMetric:
        """What chooses the checkpoints; `fakes_seed`: of the fakes that it looks at."""

    def preview(self, fakes: Fakes, prepared: Prepared[D, C], count: int, seed: int) -> Preview | None:
        """At most `count` fakes of a seed, as they are kept over the training; None where there is no preview."""
        return None

    def preview_real(self, prepared: Prepared[D, C], count: int) -> Preview | None:
        """At most `count` held-out records, spread evenly over all, in the form of `preview`."""
        return None

    def sounds(self, fakes: Fakes, count: int, seed: int) -> Sounds | None:
        """At most `count` fakes of a seed to listen to; None of what makes no sound."""
        return None

    def surface(self, generator: Any, discriminator: Any, prepared: Prepared[D, C]) -> dict[str, np.ndarray] | None:
        """D over a grid, of one- and two-dimensional numbers; else None.

        Of one: grid [G], d [G], D's logits, z [L] and x_of_z [L], where G takes noise. Of two: x [G], y [G], and
        d [G, G], whose rows are those of y.
        """
        return None

    def columns(self, prepared: Prepared[D, C]) -> list[dict[str, str]]:
        """Name and type of every column, for the model's card."""
        return [{"name": column.name, "kind": column.shown} for column in prepared.schema.columns]

    @abstractmethod
    def records(
        self, schema: Schema, codec: C, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """Records of what G made.

        schema, codec, origin: of the model. given: the columns that G was given, parsed, [n] each; empty without a
        condition. made: compact numbers of n records, of rows `first_row` and on of this seed.
        """

    @abstractmethod
    def join(self, batches: Sequence[Any], origin: Origin) -> Any:
        """All batches (one at least) as one object of the form the training data came in."""

    def conditions(self, model: Any) -> tuple[Condition, ...]:
        """What samples of a model can be asked for: the columns that its G can be restricted to, or is given."""
        codec = model.given and model.given.codec
        codec = model.codec if model.generator.by_column is not None else codec
        return () if codec is None else conditions_of([model.schema.column(name) for name in codec.names])

    def pixels(self, source: Any, codec: C, notes: Notes) -> tuple[np.ndarray, list[str]]:
        """Records of a source in the size of a codec's, [N, H, W, C] uint8, and their names where they have some; asked
        of kinds whose `has_places` is set.

        Raises:
            DataError: it cannot be read, or has other channels.
        """
        raise NotImplementedError(self.name)

    def of_pixels(self, x: np.ndarray, origin: Origin) -> Any:
        """Records, as a batch of `records`, of pixels [N, H, W, C] uint8; asked of kinds whose `has_places` is set."""
        raise NotImplementedError(self.name)

    @property
    @abstractmethod
    def formats(self) -> Mapping[str, OutputFormat]:
        """The formats in which such records can be written to a binary stream, by their names."""

    @abstractmethod
    def write_file(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """Writes batches to a file or a folder, whole or not at all; `format`: where no suffix tells."""

    def write(self, batches: Iterable[Any], target: Target, origin: Origin, first_row: int, format: str | None) -> None:
        """Writes batches to a file, a folder, standard output or a stream; `format`: where no suffix tells.

        Raises:
            OutputError: there is no such format, or it cannot be written.
        """
        if isinstance(target, str | Path) and str(target) != "-":
            self.write_file(batches, target, origin, first_row, format)
            return
        name = format or self.pipe_format(origin)
        if name is None or name not in self.formats:
            raise OutputError(
                f"{self.noun.many} are written to a stream as {', '.join(self.formats)}, and "
                f"{'no format' if name is None else repr(name)} was named. Say which with --format, or give a file or "
                "folder with -o."
            )
        stream: Any = getattr(sys.stdout, "buffer", sys.stdout) if isinstance(target, str | Path) else target
        self.formats[name].write(batches, stream, origin, first_row)

    @abstractmethod
    def suffix(self, origin: Origin) -> str:
        """The suffix, without a point, of a file that fakes are written to and judged from; "" is a folder."""

    def stream_format(self, origin: Origin) -> str:
        """The format of a stream where nobody says which: that of such files, if it is one of `formats`."""
        suffix = self.suffix(origin)
        return suffix if suffix in self.formats else next(iter(self.formats))

    def pipe_format(self, origin: Origin) -> str | None:
        """The format on standard output; None where such records cannot go there."""
        return None

    def assessment(
        self, model: Any, prepared: Prepared[D, C] | None, notes: Notes, note: Callable[[str], None], **options: Any
    ) -> Assessment[Any]:
        """How fakes of a model are evaluated and reported; see `Assessment`. options: of `options.evaluate`."""
        found: Assessment[Any] = resolve_name(self.assessed_by)(model, prepared, notes, note, **options)
        return found
