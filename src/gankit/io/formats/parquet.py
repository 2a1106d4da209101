"""Files that hold tables with their types: Parquet, and Arrow with both versions of Feather.

Knows Arrow's readers and writers; never what columns mean.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import refused
from gankit.io.archives import apart, largest_size
from gankit.io.formats.base import Format, Opened, Sink, WholeOnlyError
from gankit.io.records import Origin, Records

_ROWS = 1 << 16
"""Records of a batch."""


def _valid(table: pa.Table, origin: Origin) -> Records:
    """A table whose offsets, indices and texts were all checked: Arrow follows those of a file without looking, and
    wrong ones end the process by a signal, sooner or later.

    Raises:
        pa.ArrowInvalid: it is damaged.
    """
    table.validate(full=True)
    return Records(table.replace_schema_metadata(None), origin)


# Arrow's reader of Feather's first version, which is deprecated, checks nothing.
_CONVERSION = """
import sys, pyarrow as pa
from pyarrow import feather
table = feather.read_table(pa.BufferReader(sys.stdin.buffer.read()))
with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
    writer.write_table(table)
"""


class _TypedSink(Sink):
    """Tables as they are, by one of Arrow's writers, which `begin` makes."""

    _writer: Any = None

    def write(self, batch: pa.Table) -> None:
        self._writer.write_table(batch)

    def close(self) -> None:
        self._writer.close()
        self._writer = None

    def release(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError, ValueError, pa.ArrowException):
                self._writer.close()


class _ParquetSink(_TypedSink):
    """Parquet, compressed with Zstandard; a batch is a row group."""

    def begin(self, first: pa.Table) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.stream, first.schema, compression="zstd", compression_level=1)

    def release(self) -> None:
        super().release()
        if self._writer is not None:
            self._writer.is_open = False  # else it would try again when it is collected


class _ArrowSink(_TypedSink):
    """An Arrow file (Feather version 2)."""

    def begin(self, first: pa.Table) -> None:
        self._writer = pa.ipc.new_file(self.stream, first.schema)


class Parquet(Format):
    """Parquet."""

    name, media_type = "parquet", "application/vnd.apache.parquet"
    suffixes, aliases = (".parquet",), (".pq",)
    magic = (b"PAR1",)
    in_batches = True
    has_types = True
    sink = _ParquetSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        import pyarrow.parquet as pq

        with refused(repr(name), "Parquet file"):
            facts = pq.read_metadata(pa.BufferReader(data))
            if facts.num_rows * facts.num_columns > largest_size():  # a byte a cell at least
                raise MemoryError
            return _valid(pq.read_table(pa.BufferReader(data)), origin)

    def opened(
        self, stream: IO[bytes], size: int, name: str, origin: Origin, config: TrainConfig, notes: list[str]
    ) -> Opened:
        """See `Format.opened`."""
        import pyarrow.parquet as pq

        with refused(repr(name), "Parquet file"):
            file = pq.ParquetFile(stream)

        def tables() -> Iterator[pa.Table]:
            with refused(repr(name), "Parquet file"):
                for batch in file.iter_batches(_ROWS, use_threads=False):
                    yield _valid(pa.Table.from_batches([batch]), origin).table

        schema = file.schema_arrow.remove_metadata()
        return Opened(origin, file.metadata.num_rows, schema, tables())


class Arrow(Format):
    """Arrow files and streams, and Feather of both versions."""

    name, media_type = "arrow", "application/vnd.apache.arrow.file"
    suffixes, aliases = (".arrow", ".feather"), (".ipc",)
    magic = (b"ARROW1", b"FEA1")
    in_batches = True
    has_types = True
    sink = _ArrowSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        buffer = pa.BufferReader(data)
        with refused(repr(name), "Arrow file"):
            if data.startswith(b"FEA1"):
                with apart(_CONVERSION, data) as found:
                    return _valid(pa.ipc.open_stream(found).read_all(), origin)
            opener = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
            return _valid(opener(buffer).read_all(), origin)

    def opened(
        self, stream: IO[bytes], size: int, name: str, origin: Origin, config: TrainConfig, notes: list[str]
    ) -> Opened:
        """See `Format.opened`: files, whose end says how many records they hold."""
        begin = stream.read(6)
        stream.seek(0)
        if begin != b"ARROW1":
            raise WholeOnlyError(name)
        with refused(repr(name), "Arrow file"):
            file = pa.ipc.open_file(stream)

        def tables() -> Iterator[pa.Table]:
            with refused(repr(name), "Arrow file"):
                for place in range(file.num_record_batches):
                    yield _valid(pa.Table.from_batches([file.get_batch(place)]), origin).table

        with refused(repr(name), "Arrow file"):
            return Opened(origin, file.count_rows(), file.schema.remove_metadata(), tables())
