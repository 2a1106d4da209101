"""What preparation gives: data, ready for the game, and the same as samples that metrics take.

Knows data, codecs and metrics' samples; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.codec import TableCodec
from gankit.columns.schema import Schema
from gankit.io.origin import Origin
from gankit.kinds.codecs import AnyCodec
from gankit.metrics.sample import Sample

if TYPE_CHECKING:
    from gankit.kinds.audio.records import Recordings
    from gankit.kinds.images.records import Pictures


@dataclass(frozen=True)
class PicturePart:
    """Some rows of pictures, which stay where they are: in memory, or in a file that is mapped into it.

    whole: all pictures. rows: [n] int64, sorted, those of the part.
    """

    whole: Pictures
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """At most `count` pictures drawn without replacement, in the order of their rows, [n, H, W, C] uint8."""
        found: np.ndarray = self.whole.x[self.some_rows(count, rng)]
        return found

    def some_rows(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Their rows in `whole`."""
        if count >= len(self.rows):
            return self.rows
        return np.sort(rng.choice(self.rows, size=count, replace=False))


@dataclass(frozen=True)
class SeriesPart:
    """Some series, or windows of them, over cells that both parts may share.

    values: the channels, parsed, [M] steps. begins, lengths: [n] int64, where each record begins and its steps.
    apart: the channel of distances from step to step of irregular series; a record's first one leads to no step of it.
    """

    values: Mapping[str, Values]
    begins: np.ndarray
    lengths: np.ndarray
    apart: str | None = None

    def __len__(self) -> int:
        return len(self.begins)


Part = PicturePart | SeriesPart
"""The records of a part, by kind."""


@dataclass(frozen=True)
class SoundPart(PicturePart):
    """Some rows of recordings, and how they look: `whole` are their spectrograms.

    recordings: all of them, in memory.
    """

    recordings: Recordings

    def sounds(self) -> Recordings:
        """The recordings of the part."""
        return self.recordings.take(self.rows)


@dataclass(frozen=True)
class Prepared:
    """Data, ready for the game.

    origin: the form that the records came in. schema: their columns; of pictures, those of their labels.
    kind: a key of the table of codecs.
    train, heldout: parsed columns of the two parts; of pictures and the like, the labels'; of texts, theirs
        and the labels'.
    codec: of the generated columns; given: of the columns in c, or None.
    network: a key of the table of networks.
    data_hash: SHA-256 of the records.
    part, heldout_part: the records of the two parts, where they are more than a row of columns; else None, and the
        columns are the records.
    """

    origin: Origin
    schema: Schema
    kind: str
    network: str
    train: Mapping[str, Values]
    heldout: Mapping[str, Values]
    codec: AnyCodec
    given: TableCodec | None
    data_hash: str
    part: Part | None = None
    heldout_part: Part | None = None

    @property
    def num_train(self) -> int:
        """Training records."""
        if self.part is not None:
            return len(self.part)
        return len(next(iter(self.train.values())).data)

    @property
    def num_heldout(self) -> int:
        """Held-out records."""
        if self.heldout_part is not None:
            return len(self.heldout_part)
        return len(next(iter(self.heldout.values())).data)

    @property
    def pictures(self) -> PicturePart | None:
        """The training pictures; None for other kinds."""
        return self.part if isinstance(self.part, PicturePart) else None

    @property
    def heldout_pictures(self) -> PicturePart | None:
        """The held-out pictures; None for other kinds."""
        return self.heldout_part if isinstance(self.heldout_part, PicturePart) else None

    def sample(self, values: Mapping[str, Values]) -> Sample:
        """Parsed columns as a sample that metrics take."""
        return sample_of(self.schema, values)


def sample_of(schema: Schema, values: Mapping[str, Values]) -> Sample:
    """Parsed columns as a sample that metrics take: dates as seconds, every missing marker as missing."""
    columns, kinds, levels = {}, {}, {}
    for column in schema.modelled:
        found = values[column.name]
        if column.kind == "category":
            columns[column.name] = np.where(found.missing > 0, -1, found.data).astype(np.int32)
            kinds[column.name], levels[column.name] = "category", tuple(map(str, column.levels))
        else:
            columns[column.name] = np.where(found.missing > 0, np.nan, found.data).astype(np.float64)
            kinds[column.name] = "number"
    return Sample(columns, kinds, levels)  # type: ignore[arg-type]  # the two literals
