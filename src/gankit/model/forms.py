"""How a model's records are made, joined and written, by kind: one form a family of kinds, and the explicit table.

Knows codecs, schemas and the user's own form of records; never networks, draws or model files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.columns.codec import TableCodec
from gankit.errors import OptionError
from gankit.kinds.audio.codec import LENGTH, SOUND, AudioCodec
from gankit.kinds.images.codec import PICTURE, ImageCodec
from gankit.kinds.numbers.codec import VectorCodec
from gankit.kinds.series.codec import SeriesCodec

if TYPE_CHECKING:
    import pyarrow as pa

    from gankit.columns.cells import Values
    from gankit.columns.schema import Schema
    from gankit.io.origin import Origin
    from gankit.kinds.codecs import AnyCodec


class RecordForm(ABC):
    """What the records of a kind are to the user.

    Attributes:
        what: what they are called in texts.
        labelled: how such records come to something that can be asked for with `where`.
        side_by_side: whether blocks are made side by side, each on a thread; False where one keeps all threads busy.
        truncates: whether `truncation` means something for them.
    """

    what: str
    labelled: str
    side_by_side: bool = True
    truncates: bool = False

    @abstractmethod
    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """Records of what G made.

        Args:
            schema, codec, origin: of the model.
            given: the columns that G was given, parsed, [n] each; empty without a condition.
            made: the compact numbers of n records, as the codec decodes them.
            first_row: the first one's row number in its seed.
            seed: of the sample.
        """

    @abstractmethod
    def joined(self, batches: Sequence[Any], origin: Origin) -> Any:
        """All batches (one at least) as one object of the form the training data came in."""

    @abstractmethod
    def write(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """Writes batches to a file or a folder; `path` "-" is standard output. `format`: where no suffix tells."""

    @abstractmethod
    def suffix(self, origin: Origin) -> str:
        """The suffix, without a point, of a file that fakes are written to and judged from; "" is a folder."""

    def pipe_format(self, origin: Origin) -> str | None:
        """The format on standard output; None where records of this kind cannot go there."""
        return None


class Rows(RecordForm):
    """Rows of a table, vectors and numbers."""

    what = "records"
    labelled = "Train it anew with --given {name}, or as a table with --network sequential."

    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """See `RecordForm.batch`: an Arrow table."""
        assert isinstance(codec, TableCodec | VectorCodec)
        return schema.format({**given, **codec.decode(made)}, len(made), first_row=first_row, seed=seed)

    def joined(self, batches: Sequence[pa.Table], origin: Origin) -> Any:
        """See `RecordForm.joined`."""
        import pyarrow as pa

        from gankit.io.objects import to_object

        return to_object(pa.concat_tables(batches), origin)

    def write(
        self, batches: Iterable[pa.Table], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `RecordForm.write`."""
        from gankit.io.writing import write

        write(batches, path, origin, format=format)

    def suffix(self, origin: Origin) -> str:
        """See `RecordForm.suffix`: the format the data came in; CSV for arrays."""
        return origin.format if origin.format in ("parquet", "arrow") else self.pipe_format(origin)

    def pipe_format(self, origin: Origin) -> str:
        """See `RecordForm.pipe_format`: the text format the data came in, or CSV where that was none."""
        return origin.format if origin.format in ("csv", "tsv", "jsonl", "json", "xml") else "csv"


class PictureRows(RecordForm):
    """Pictures, with their labels."""

    what = "pictures"
    labelled = "Train it anew on pictures with such a label."
    side_by_side = False
    truncates = True

    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """See `RecordForm.batch`: `Pictures`."""
        from gankit.kinds.images.records import Pictures

        assert isinstance(codec, ImageCodec)
        values = codec.decode(made)
        labels = schema.format({**given, **values}, len(made), first_row=first_row, seed=seed)
        return Pictures(values[PICTURE].data, labels if labels.num_columns else None, origin)

    def joined(self, batches: Sequence[Any], origin: Origin) -> Any:
        """See `RecordForm.joined`."""
        import pyarrow as pa

        from gankit.kinds.images.records import Pictures, to_picture_object

        tables = [batch.labels for batch in batches if batch.labels is not None]
        x = np.concatenate([batch.x for batch in batches])
        return to_picture_object(Pictures(x, pa.concat_tables(tables) if tables else None, origin))

    def write(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `RecordForm.write`."""
        if str(path) == "-":
            raise OptionError(
                "pictures go to a folder, a .zip, an .npz, an .npy, or a .png as a grid. Name it with -o."
            )
        if format is not None:
            raise OptionError(
                f"--format {format}: what pictures go to is told by the name after -o: a folder, a .zip, an .npz, an "
                ".npy, or a .png as a grid. Leave --format out."
            )
        from gankit.kinds.images.writing import write_pictures

        write_pictures(batches, path, origin, first_row=first_row)

    def suffix(self, origin: Origin) -> str:
        """See `RecordForm.suffix`."""
        return "npz"


class SoundRows(RecordForm):
    """Recordings, with their labels."""

    what = "recordings"
    labelled = "Train it anew on recordings with such a label."
    truncates = True

    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """See `RecordForm.batch`: `Recordings`."""
        from gankit.kinds.audio.records import Recordings

        assert isinstance(codec, AudioCodec)
        values = codec.decode(made)
        labels = schema.format({**given, **values}, len(made), first_row=first_row, seed=seed)
        return Recordings(
            values[SOUND].data, values[LENGTH].data, codec.spectrum.rate, labels if labels.num_columns else None, origin
        )

    def joined(self, batches: Sequence[Any], origin: Origin) -> Any:
        """See `RecordForm.joined`."""
        import pyarrow as pa

        from gankit.kinds.audio.records import Recordings, to_recording_object

        tables = [batch.labels for batch in batches if batch.labels is not None]
        x, lengths = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("x", "lengths"))
        labels = pa.concat_tables(tables) if tables else None
        return to_recording_object(Recordings(x, lengths, batches[0].rate, labels, origin))

    def write(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `RecordForm.write`."""
        if str(path) == "-" or format is not None:
            raise OptionError("recordings go to a folder, a .zip, an .npz, or one to a .wav. Name it with -o.")
        from gankit.kinds.audio.writing import write_recordings

        write_recordings(batches, path, origin, first_row=first_row)

    def suffix(self, origin: Origin) -> str:
        """See `RecordForm.suffix`."""
        return "npz"


class TextRows(RecordForm):
    """Texts, with their labels."""

    what = "texts"
    labelled = "Train it anew on texts with such a label."

    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """See `RecordForm.batch`: an Arrow table of the texts and their labels."""
        from gankit.kinds.texts.codec import TEXT, TextCodec
        from gankit.kinds.texts.records import text_table

        assert isinstance(codec, TextCodec)

        labels = schema.format(given, len(made), first_row=first_row, seed=seed) if given else None
        return text_table(codec.decode(made)[TEXT].data.tolist(), labels, origin)

    def joined(self, batches: Sequence[pa.Table], origin: Origin) -> Any:
        """See `RecordForm.joined`."""
        import pyarrow as pa

        from gankit.kinds.texts.records import to_text_object

        return to_text_object(pa.concat_tables(batches), origin)

    def write(
        self, batches: Iterable[pa.Table], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `RecordForm.write`."""
        from gankit.kinds.texts.writing import write_texts

        write_texts(batches, path, origin, format=format)

    def suffix(self, origin: Origin) -> str:
        """See `RecordForm.suffix`: the format the data came in; JSON lines for objects and folders."""
        kept = ("txt", "csv", "tsv", "jsonl", "json", "xml", "parquet", "arrow")
        return origin.format if origin.format in kept else "jsonl"

    def pipe_format(self, origin: Origin) -> str:
        """See `RecordForm.pipe_format`: lines for lines and plain lists, else the text format of the table, or CSV."""
        if len(origin.details["texts"]["order"]) == 1 and origin.format not in ("csv", "tsv", "jsonl", "json", "xml"):
            return "txt"
        return origin.format if origin.format in ("txt", "csv", "tsv", "jsonl", "json", "xml") else "csv"


class SeriesRows(RecordForm):
    """Series, or windows of them, with what belongs to each as a whole."""

    what = "series"
    labelled = "Train it anew with --attributes {name}, or with --given {name} where it tells series apart."

    def batch(
        self, schema: Schema, codec: AnyCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int, seed: int,
        origin: Origin,
    ) -> Any:  # fmt: skip
        """See `RecordForm.batch`: `Series`, with times that begin where training records do."""
        from gankit.columns.identifiers import generate
        from gankit.columns.schema import Schema
        from gankit.kinds.series.records import Series, layout_of
        from gankit.kinds.series.times import drawn_starts, starts_at
        from gankit.kinds.series.writing import times_after

        assert isinstance(codec, SeriesCodec)
        layout, num = layout_of(origin), len(made)
        values, lengths = codec.decode(made)
        times, apart = None, None
        if layout.times is not None:
            apart = layout.times.step
            uniforms, dated = _uniforms(seed, first_row, num), [c for c in schema if c.name in layout.calendar]
            starts = (
                starts_at(layout.times.starts, dated, given, uniforms)
                if dated
                else drawn_starts(layout.times.starts, uniforms)
            )
            distances, grain = None if apart is None else values[apart].data, layout.times.columns[0].grain
            times = times_after(starts, lengths, layout.times.grid, distances, grain)
        labels = Schema(tuple(c for c in schema if c.name in given and c.name not in layout.calendar))
        channels = Schema(tuple(c for c in schema if c.name not in given and c.name != apart))
        pattern = None if layout.entity is None else layout.entity.pattern
        return Series(
            channels.format(values, int(lengths.sum()), first_row=0, seed=seed),
            lengths,
            labels.format(given, num, first_row=first_row, seed=seed) if labels.columns else None,
            times,
            origin,
            None if pattern is None else generate(pattern, seed, first_row, num),
            first_row,
        )

    def joined(self, batches: Sequence[Any], origin: Origin) -> Any:
        """See `RecordForm.joined`."""
        from gankit.kinds.series.records import joined_series
        from gankit.kinds.series.writing import to_series_object

        return to_series_object(joined_series(list(batches)))

    def write(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `RecordForm.write`."""
        from gankit.kinds.series.writing import write_series

        write_series(batches, path, origin, format)

    def suffix(self, origin: Origin) -> str:
        """See `RecordForm.suffix`: the format the data came in; .npz for arrays."""
        own = {"rows": "tsv", "ts": "ts", "arrays": "npz", "list": "npz"}
        return own.get(origin.details["layout"]["form"]) or Rows().suffix(origin)

    def pipe_format(self, origin: Origin) -> str:
        """See `RecordForm.pipe_format`: as text, arrays as CSV with a step a row."""
        own = {"rows": "tsv", "ts": "ts", "arrays": "csv", "list": "csv"}
        return own.get(origin.details["layout"]["form"]) or Rows().pipe_format(origin)


STARTS_TOGETHER = 1024
"""Times at which series begin are drawn for so many rows at once."""


def _uniforms(seed: int, first_row: int, num: int) -> np.ndarray:
    """[num] in [0, 1), one a row, the same however rows are asked for."""
    from gankit.randomness import numpy_generator

    blocks = range(first_row // STARTS_TOGETHER, (first_row + max(num, 1) - 1) // STARTS_TOGETHER + 1)
    drawn = [numpy_generator(seed, "starts", block).random(STARTS_TOGETHER) for block in blocks]
    begin = first_row - blocks[0] * STARTS_TOGETHER
    found: np.ndarray = np.concatenate(drawn)[begin : begin + num]
    return found


FORMS: dict[str, RecordForm] = {
    "number": Rows(),
    "vector": Rows(),
    "table": Rows(),
    "image": PictureRows(),
    "series": SeriesRows(),
    "audio": SoundRows(),
    "text": TextRows(),
}
"""The form of the records of every kind."""
