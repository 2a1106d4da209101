"""Short texts, as a kind of data.

Knows everything of texts by its modules; never the loop's inside or terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.columns.column import Values
from gankit.columns.conditions import Condition
from gankit.columns.rows import records_of, some_of, write
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.formats import FORMATS, TEXT_FORMATS
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat, table_formats
from gankit.kinds.base import Coded, Dataset, Fakes, HeldOutMetric, Kind, Notes, Noun, Prepared, Preview, spread
from gankit.kinds.texts import files
from gankit.kinds.texts.options import OPTIONS, TextOptions
from gankit.kinds.texts.preparing import prepare_texts, values_like
from gankit.kinds.texts.records import FILES, TEXT, TextCodec, Texts, column_of, cut, text_table, to_text_object
from gankit.metrics.metric import Interval

MOST_JUDGED, LEAST_JUDGED = 3000, 500  # held-out texts, and as many fakes, that the held-out metric looks at
PREVIEWED = 24  # fakes that are kept at every evaluation


class TextKind(Kind[Dataset, TextCodec]):
    """Texts with their labels."""

    name = "text"
    noun = Noun("text", "texts")
    described = "texts"
    options = OPTIONS
    conditioned = "Train it anew on texts with such a label."
    codec = TextCodec
    assessed_by = "gankit.kinds.texts.evaluation:TextAssessment"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`: by options, files of lines, or a table that is nothing but a column of free text."""
        found = files.holds_texts(probe, config)
        return found or files.is_one_column_of_texts(some_of(probe, config)[0], config)

    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[Dataset, TextCodec]:
        """See `Kind.prepare`."""
        texts = self._read(probe, config, notes)
        if config.own(TextOptions).text_per == "file" and texts.origin.format != FILES:
            raise OptionError("--text-per file is for folders and archives of .txt files. Leave it out.")
        return prepare_texts(self, texts, config, notes)

    def like(self, source: Any, prepared: Prepared[Dataset, TextCodec], config: TrainConfig) -> Dataset:
        """See `Kind.like`."""
        texts = self._read(Probe(source), replace(config, kind="text"), [])
        return Dataset(values_like(texts, prepared.schema, "the texts"))

    def _read(self, probe: Probe, config: TrainConfig, notes: Notes) -> Texts:
        if files.holds_texts(probe, config):
            return files.read_texts(probe, config, notes)
        records, said = records_of(probe, config)
        notes += said
        return files.texts_of_records(records, config, notes)

    def coded(self, prepared: Prepared[Dataset, TextCodec], part: Dataset) -> Coded:
        """See `Kind.coded`: the codes of symbols."""
        return Coded(prepared.codec.encode(part.values))

    def held_out_metric(
        self, prepared: Prepared[Dataset, TextCodec], config: TrainConfig, evidence: Any, fakes_seed: int
    ) -> HeldOutMetric:
        """See `Kind.held_out_metric`: minus the divergence of n-grams, those of each label for themselves."""
        from gankit.kinds.texts.metrics.grams import quick_divergence

        codec = prepared.codec
        labels = [] if prepared.given is None else [f.name for f in prepared.given.fields]
        labels = [name for name in labels if prepared.schema.column(name).type == "category"][:1]
        real = _units(prepared.heldout.values, codec.unit, labels)[: 4 * MOST_JUDGED]
        count = int(np.clip(len(real), LEAST_JUDGED, MOST_JUDGED))

        def value(fakes: Fakes) -> Interval:
            units: list[Sequence[str]] = []
            for table in fakes.sample_batches(count, seed=fakes_seed):
                texts = np.array(table.column(column_of(prepared.origin)).to_pylist(), dtype=object)
                values = {TEXT: Values(texts, np.zeros(len(texts), np.int8))}
                if labels:
                    values |= {name: prepared.schema.column(name).parse(table.column(name)) for name in labels}
                units += _units(values, codec.unit, labels)
            return quick_divergence(real, units, config.seed, max_texts=MOST_JUDGED)

        return HeldOutMetric("minus the n-gram divergence from held-out texts", value)

    def preview(self, fakes: Fakes, prepared: Prepared[Dataset, TextCodec], count: int, seed: int) -> Preview:
        """See `Kind.preview`."""
        made = fakes.first(min(count, PREVIEWED), seed)
        return Preview("texts", prepared.codec.decode(made)[TEXT].data.tolist())

    def preview_real(self, prepared: Prepared[Dataset, TextCodec], count: int) -> Preview:
        """See `Kind.preview_real`."""
        return Preview("texts", spread(prepared.heldout, min(count, PREVIEWED)).values[TEXT].data.tolist())

    def columns(self, prepared: Prepared[Dataset, TextCodec]) -> list[dict[str, str]]:
        """See `Kind.columns`: the texts, which are no column of the schema, and their labels."""
        return [{"name": column_of(prepared.origin), "kind": "text"}, *super().columns(prepared)]

    def records(
        self, schema: Schema, codec: TextCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int,
        seed: int, origin: Origin,
    ) -> pa.Table:  # fmt: skip
        """See `Kind.records`: an Arrow table of the texts and their labels."""
        labels = schema.format(given, len(made), first_row=first_row, seed=seed) if given else None
        return text_table(codec.decode(made)[TEXT].data.tolist(), labels, origin)

    def join(self, batches: Sequence[pa.Table], origin: Origin) -> Any:
        """See `Kind.join`."""
        return to_text_object(pa.concat_tables(batches), origin)

    def conditions(self, model: Any) -> tuple[Condition, ...]:
        """See `Kind.conditions`; and how a text begins."""
        return (*super().conditions(model), Condition("prefix", "prefix"))

    @property
    def formats(self) -> Mapping[str, OutputFormat]:
        """See `Kind.formats`: those of tables, a text a line, and FASTA."""
        return table_formats(write, {f.name: f.media_type for f in FORMATS.values() if f.is_guess})

    def write_file(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `Kind.write_file`."""
        files.write_texts(batches, path, origin, format=format, first_row=first_row)

    def suffix(self, origin: Origin) -> str:
        """See `Kind.suffix`: the format the data came in; JSON lines for objects and folders."""
        return origin.format if origin.format in (*TEXT_FORMATS, "parquet", "arrow") else "jsonl"

    def pipe_format(self, origin: Origin) -> str:
        """See `Kind.pipe_format`: lines for lines and plain lists, else the text format of the table, or CSV."""
        if origin.format in TEXT_FORMATS:
            return origin.format
        texts = origin.details["texts"]
        return "txt" if len(texts["order"]) == 1 and not texts.get("broken") else "csv"


def _units(values: Mapping[str, Values], unit: str, labels: Sequence[str]) -> list[Sequence[str]]:
    """The units of texts, each marked with its text's label, so that n-grams of different labels are different."""
    cuts = [cut(text, unit) for text in values[TEXT].data]
    if not labels:
        return list(cuts)
    codes = values[labels[0]].data.astype(np.int64).tolist()
    return [[f"{code}\0{symbol}" for symbol in text] for code, text in zip(codes, cuts, strict=True)]
