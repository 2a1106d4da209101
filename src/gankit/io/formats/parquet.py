"""Files that hold tables with their types: Parquet, and Arrow with both versions of Feather.

Knows Arrow's readers and writers; never what columns mean.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.io.formats.base import Format, Sink
from gankit.io.records import Origin, Records


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
    has_types = True
    sink = _ParquetSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        import pyarrow.parquet as pq

        return Records(pq.read_table(pa.BufferReader(data)).replace_schema_metadata(None), origin)


class Arrow(Format):
    """Arrow files and streams, and Feather of both versions."""

    name, media_type = "arrow", "application/vnd.apache.arrow.file"
    suffixes, aliases = (".arrow", ".feather"), (".ipc",)
    magic = (b"ARROW1", b"FEA1")
    has_types = True
    sink = _ArrowSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        buffer = pa.BufferReader(data)
        if data.startswith(b"FEA1"):
            from pyarrow import feather

            table = feather.read_table(buffer)
        else:
            opener = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
            table = opener(buffer).read_all()
        return Records(table.replace_schema_metadata(None), origin)
