"""Who may ask, and what a browser may do with the answers.

Knows headers; never what is asked for. Only this machine may ask, unless the page was started for others; then only who
has its token. Pages of other addresses are kept away by the headers Host, Origin and Sec-Fetch-Site, and what changes
something needs a header that no other page can send.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gankit.web.plain import as_json

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What this machine is called in the header Host of its own browser."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self' blob:; font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of everything that does not bring its own."""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""That of a report, which is one file with its styles in it: no script runs in it, and it can ask for nothing."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

COOKIE = "gankit_token"

MOST_BODY = 1 << 20
"""Bytes of what is sent to the server, but for uploads."""


class TooLargeError(Exception):
    """More was sent than is taken: more than `limit` bytes. The application answers by `too_large`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Guard:
    """Lets through what may pass, and adds the headers of every answer.

    hosts: names that the header Host may have beside `LOOPBACK`; None: any, where the page listens on all addresses.
    token: what must be shown, None where only this machine can ask. uploads: the path whose body may be as long as
    `most_upload`. header: what must be sent with what changes something; None: nothing, where nothing does. free: paths
    that need no token.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] | None = (), token: str | None = None, uploads: str = "",
        most_upload: int = MOST_BODY, header: str | None = "x-gankit", free: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._header, self._free = header, free
        self._app, self._token, self._uploads, self._most_upload = app, token, uploads, most_upload
        self._hosts = None if hosts is None else LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._refusal(scope) or self._entry(scope)
        if answer is not None:
            await answer(scope, receive, send_guarded)
            return
        limit, taken = self._most_upload if scope["path"] == self._uploads else MOST_BODY, 0

        async def receive_guarded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLargeError(limit)
            return message

        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            await too_large(limit)(scope, receive, send_guarded)
            return
        await self._app(scope, receive_guarded, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """What is said to who may not ask."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return _refused(403, f"this page is not called {host[:100]!r}. Open it by the address that was printed.")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return _refused(403, "pages of other addresses may not ask.")
        site, path = headers.get("sec-fetch-site", "none"), scope["path"]
        if site not in ("none", "same-origin") and not _is_page(scope["method"], path, headers):
            return _refused(403, "pages of other addresses may not ask.")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _refused(405, f"{scope['method']} is none of GET, HEAD and POST.")
        if scope["method"] == "POST" and self._header is not None and headers.get(self._header) != "1":
            return _refused(403, "what changes something needs the header X-Gankit: 1.")
        return None

    def _entry(self, scope: Scope) -> Response | None:
        """What is said to who has not shown the token; a token in the address becomes a cookie."""
        if self._token is None or scope["path"] in self._free:
            return None
        headers, query = Headers(scope=scope), parse_qsl(scope["query_string"].decode("latin-1"))
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(shown, self._token):
            return None
        if _same(dict(query).get("token", ""), self._token) and scope["method"] == "GET":
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            # a path of two slashes would lead to another host
            path = "/" + scope["path"].lstrip("/\\")
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
            answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", max_age=30 * 86400)
            return answer
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is not None and _same(cookie.value, self._token):
            return None
        if self._header is None:
            return _refused(401, "this server needs its token in the header Authorization: Bearer TOKEN.")
        return _refused(401, "this page needs its token: open the address that gankit watch printed, with ?token=...")


def _is_page(method: str, path: str, headers: Headers) -> bool:
    """Whether a person follows a link to a page: what comes shows nothing to who made the link."""
    return method == "GET" and not path.startswith("/api/") and headers.get("sec-fetch-mode") == "navigate"


def _same(a: str, b: str) -> bool:
    return secrets.compare_digest(a.encode(), b.encode())


def _without_port(host: str) -> str:
    if host.startswith("["):
        return "".join(host.partition("]")[:2])
    return host.partition(":")[0]


def too_large(limit: int) -> Response:
    """What is said to who sends more than is taken."""
    return _refused(413, f"at most {limit / 2**20:,.0f} MB can be sent. Give the path of larger data to: gankit train")


def _refused(status: int, text: str) -> Response:
    return Response(as_json({"error": text}), status, media_type="application/json")
