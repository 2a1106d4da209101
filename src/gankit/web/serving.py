"""The page's server from its start to its end: an address that is free, a token where others may come, a browser.

Knows sockets, uvicorn and browsers; never what is served.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gankit.errors import DependencyError, OptionError
from gankit.web.folders.runs import Runs

PORT, TRIED = 8400, 20
"""The port that is taken where nobody says which, and how many behind it are tried where it is in use."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")


def listen(host: str, port: int | None, who: str = "gankit watch") -> socket.socket:
    """A socket at a port of this machine; None: the first free one from `PORT` on. who: the command that asks.

    Raises:
        OptionError: it is in use, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in [port] if port is not None else range(PORT, PORT + TRIED):
        # said to be TCP, asyncio sends small answers at once (TCP_NODELAY), not 40 ms later
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let two servers have one port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, tried))
            made.listen(128)
        except (OSError, OverflowError) as error:
            made.close()
            code = error.errno if isinstance(error, OSError) else 0
            if code == errno.EADDRINUSE and port is None:
                continue
            if code == errno.EADDRINUSE:
                how = f"Another {who}? Take another one: --port {tried + 1}"
                raise OptionError(f"the port {tried} is in use. {how}") from None
            if code in (errno.EACCES, errno.EPERM):
                raise OptionError(f"--port {tried}: this port may not be used. Take one from 1024 on.") from None
            raise OptionError(f"--host {host}: this machine has no such address ({error}).") from None
        return made
    raise OptionError(f"the ports {PORT} to {PORT + TRIED - 1} are in use. Name another one: --port 9000")


def required() -> None:
    """Raises a DependencyError where what the server needs is not installed."""
    try:
        import uvicorn  # noqa: F401  # whether it is there

        import gankit.web.app  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"gankit watch needs {error.name or 'more packages'}, which is not installed. Install it with: "
            "pip install 'gankit[watch]'"
        ) from None


def serve(
    runs: Runs, *, host: str, port: int | None, offered: Path | None, browser: bool, said: Callable[[str, bool], None]
) -> None:
    """Serves the page until Ctrl-C. said: called with the page's address, and whether a browser shows it.

    Raises:
        DependencyError: what the server needs is not installed. OptionError: the address cannot be had.
    """
    required()
    import uvicorn

    from gankit.web.app import application

    with listen(host, port) as sock:
        token, hosts = guarded_by(host)
        address = address_of(host, sock.getsockname()[1]) + ("" if token is None else f"?token={token}")
        servers: list[uvicorn.Server] = []
        leaving = lambda: any(server.should_exit for server in servers)  # noqa: E731  # of the server that is made below
        app = application(runs, offered=offered, hosts=hosts, token=token, leaving=leaving)
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=3, server_header=False,
            proxy_headers=False, ws="none",
        )  # fmt: skip
        servers.append(uvicorn.Server(config))
        opens = browser and has_browser()
        said(address, opens)
        if opens:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with suppress(KeyboardInterrupt):  # how it ends
            servers[0].run(sockets=[sock])


def guarded_by(host: str, token: str | None = None) -> tuple[str | None, frozenset[str] | None]:
    """The token that must be shown, one that is made where others can come and none is given, and the names that the
    header Host may have; see `Guard`.
    """
    token = token or (None if host in _LOOPBACK else secrets.token_urlsafe(24))
    return token, None if host in _EVERYWHERE else frozenset({f"[{host}]" if ":" in host else host})


def has_browser() -> bool:
    """Whether a window with a browser can be opened here; one in a terminal would take that from the command."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def address_of(host: str, port: int) -> str:
    """Where a server that listens at `host` is found."""
    name = {"::1": "localhost", "127.0.0.1": "localhost"}.get(host, host)
    name = socket.gethostname() if host in _EVERYWHERE else name
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
