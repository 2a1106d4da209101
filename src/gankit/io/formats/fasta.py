"""FASTA: sequences of nucleotides or amino acids, each under a line with its name.

Knows lines; never what sequences are made of.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io.archives import decode
from gankit.io.formats.base import Format, Sink, holds, texts_of, without_mark
from gankit.io.formats.lines import TEXT_COLUMN, split_lines, text_column_of
from gankit.io.records import Origin, Records

_BEGINNING = re.compile(rb"\s*>[^\s>][^\r\n]*[\r\n]+(?:;[^\r\n]*[\r\n]+)*[A-Za-z*.~-]+\s*(?:[\r\n]|$)")


class FastaSink(Sink):
    """Sequences under names of their own, `>synthetic_1`, and their labels behind these."""

    def begin(self, first: pa.Table) -> None:
        """Finds the column of sequences, and how they were written."""
        self._column = text_column_of(first.column_names, self.origin, self.name)
        own = self.origin.format == "fasta"
        self._end, self._encoding = (self.origin.newline, self.origin.encoding) if own else ("\n", "utf-8")
        self._width = self.origin.details.get("width", 0)
        self._mark = self.origin.details.get("mark", " ")

    def write(self, batch: pa.Table) -> None:
        """Writes a name and a sequence a record."""
        texts = texts_of(batch.column(self._column))
        if holds(texts, (b"\n", b"\r", b" ", b"\t", b">")):
            raise OutputError(f"{self.name!r}: FASTA holds sequences, and some texts have blanks. Write .txt or .csv.")
        labels = [texts_of(batch.column(name)).to_pylist() for name in batch.column_names if name != self._column]
        lines = []
        for row, sequence in enumerate(texts.to_pylist()):
            lines.append(
                ">" + self._mark.join([f"synthetic_{self.row + row + 1}", *(c[row] for c in labels if c[row])])
            )
            width = self._width or len(sequence)
            lines += [sequence[place : place + width] for place in range(0, len(sequence), width)]
        self.row += len(batch)
        if lines:
            self.stream.write("".join(line + self._end for line in lines).encode(self._encoding))
            self._encoding = without_mark(self._encoding)


class Fasta(Format):
    """Sequences with names; what stands behind the names is their label."""

    name, media_type = "fasta", "text/x-fasta"
    suffixes, aliases = (".fasta",), (".fa", ".faa", ".fna", ".ffn", ".frn", ".fas")
    magic = (b">",)
    is_text = is_guess = True
    obeys = ("encoding",)
    sink = FastaSink

    def begins(self, data: bytes) -> bool:
        """See `Format.begins`: a name, and letters below it."""
        return super().begins(data) and _BEGINNING.match(data.removeprefix(b"\xef\xbb\xbf")[: 1 << 16]) is not None

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: a column of sequences, and one of labels where anything stands behind their names.

        Raises:
            DataError: the first line is no name.
        """
        text, encoding = decode(data, name, config.encoding, notes)
        lines, newline = split_lines(text.decode("utf-8"))
        names, parts, widths = list[str](), list[list[str]](), Counter[int]()
        for number, line in enumerate(lines, 1):
            if line.startswith(">"):
                names.append(line[1:].strip())
                parts.append([])
            elif line.strip() and not line.startswith(";"):
                if not parts:
                    raise DataError(
                        f"{name!r}, line {number}: expected '>' and a name, found {line[:40]!r}. Correct it."
                    )
                if parts[-1]:
                    widths[len(parts[-1][-1])] += 1
                parts[-1].append("".join(line.split()))
        mark = " " if any(len(header.split()) > 1 for header in names) else "|"
        parted = [header.split(None, 1) if mark == " " else header.split("|", 1) for header in names]
        behind = [part[1].strip() if len(part) > 1 else "" for part in parted]
        columns = {TEXT_COLUMN: ["".join(some) for some in parts]}
        notes.append(f"{name}: names of sequences ({names[0][:40] if names else ''!r}, …) are left out")
        if any(behind):  # even where all are the same: a file of one label alone is read by what a model knows
            notes[-1] += f"; label is what stands behind them ({next(filter(None, behind))[:40]!r}, …)"
            columns["label"] = behind
        details = {"width": widths.most_common(1)[0][0] if widths else 0, "mark": mark}
        return Records(pa.table(columns), replace(origin, encoding=encoding, newline=newline, details=details))
