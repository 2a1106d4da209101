"""The file in a request: as multipart form data, as browsers send it, or as the body with a name in a header.

Knows how files are sent; never what is in them. Nothing is kept: the bytes go on as they come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from gankit.errors import DataError

NAME = "X-Name"
"""The header with the name of a file that is sent as the body, as in an address."""


async def uploaded(request: Request) -> tuple[str, AsyncIterator[bytes]]:
    """The name of the file, and its bytes as they come.

    Raises:
        DataError: there is no file in the request.
    """
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return unquote(request.headers.get(NAME, "data")), request.stream()
    form = _Form(options.get(b"boundary", b""), request.stream())
    return await form.name(), form.chunks()


class _Form:
    """The first file of a form; what stands before and behind it is passed over."""

    def __init__(self, boundary: bytes, body: AsyncIterator[bytes]) -> None:
        from python_multipart import MultipartParser

        if not boundary or len(boundary) > 256:
            raise DataError("the form that was sent has no boundary.")
        self._body, self._ready = body, deque[bytes]()
        self._header, self._value, self._headers = b"", b"", dict[bytes, bytes]()
        self._name: str | None = None
        self._within = self._done = False
        calls: Any = {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._add("_header", data[start:end]),
            "on_header_value": lambda data, start, end: self._add("_value", data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": lambda data, start, end: self._take(data[start:end]),
            "on_part_end": self._end_part,
        }
        self._parser = MultipartParser(boundary, calls)

    def _add(self, name: str, data: bytes) -> None:
        setattr(self, name, getattr(self, name) + data)

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _end_headers(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if self._name is None and b"filename" in options:
            self._name, self._within = options[b"filename"].decode("utf-8", "replace"), True

    def _take(self, data: bytes) -> None:
        if self._within:
            self._ready.append(data)

    def _end_part(self) -> None:
        self._done = self._done or self._within
        self._within = False

    async def _more(self) -> bool:
        """Reads on; False where there is no more."""
        from python_multipart.exceptions import FormParserError

        async for chunk in self._body:
            if chunk:
                try:
                    self._parser.write(chunk)
                except FormParserError as error:
                    raise DataError(f"the form that was sent is damaged: {error}. Send it again.") from None
                return True
        return False

    async def name(self) -> str:
        """The name of the file.

        Raises:
            DataError: the form has none.
        """
        while self._name is None:
            if not await self._more():
                raise DataError("no file was sent. Choose one.")
        return self._name

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the file.

        Raises:
            DataError: the form was cut off.
        """
        while True:
            while self._ready:
                yield self._ready.popleft()
            if self._done:
                return
            if not await self._more():
                raise DataError("the upload was cut off. Send it again.")
