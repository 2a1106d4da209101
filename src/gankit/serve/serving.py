"""The server of models from its start to its end: address, token, processes.

Knows sockets and uvicorn; never what is answered.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from gankit.errors import DependencyError
from gankit.serve.asked import Limits

_ASKED = "GANKIT_SERVE"
"""The variable by which the processes are told what they serve; it holds names of files and the token's."""

STILL_S = 60
"""Seconds after which a process that shows no life is ended and another begun."""

LEAVING_S = 10
"""Seconds that requests are given to end when the server does."""


def from_environment() -> Any:
    """The application of a process, which uvicorn asks for."""
    import torch

    from gankit.serve.app import application
    from gankit.serve.store import Store

    asked = json.loads(os.environ[_ASKED])
    torch.set_num_threads(asked["threads"])
    hosts = None if asked["hosts"] is None else frozenset(asked["hosts"])
    files = {name: Path(path) for name, path in asked["files"].items()}
    return application(Store(files), Limits(**asked["limits"]), asked["token"], hosts)


def serve(
    files: Mapping[str, Path], *, host: str, port: int | None, token: str | None, workers: int, limits: Limits,
    said: Callable[[str, str | None], None],
) -> None:  # fmt: skip
    """Serves models until Ctrl-C or SIGTERM. said: called with the address, and the token where one is needed.

    token: that others must show; None: one is made where others can come.

    Raises:
        DependencyError: what it needs is not installed. OptionError: the address cannot be had.
    """
    try:
        import prometheus_client  # noqa: F401  # whether it is there
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        from gankit.web.serving import address_of, guarded_by, listen
    except ImportError as error:
        raise DependencyError(
            f"gankit serve needs {error.name or 'more packages'}, which is not installed. Install it with: "
            "pip install 'gankit[serve]'"
        ) from None
    token, hosts = guarded_by(host, token)
    cores = os.cpu_count() or 1
    asked = {
        "files": {name: str(path.resolve()) for name, path in files.items()},
        "limits": asdict(limits), "token": token, "hosts": hosts and [*hosts], "threads": max(1, cores // workers),
    }  # fmt: skip
    os.environ[_ASKED] = json.dumps(asked)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as meters, listen(host, port, "gankit serve") as sock:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = meters
        config = uvicorn.Config(
            "gankit.serve.serving:from_environment", factory=True, workers=workers, log_config=None, access_log=False,
            lifespan="on", timeout_graceful_shutdown=LEAVING_S, server_header=False, proxy_headers=False, ws="none",
            timeout_keep_alive=30, timeout_worker_healthcheck=STILL_S,
        )  # fmt: skip
        server = uvicorn.Server(config)
        where = sock.getsockname()
        say = partial(said, address_of(host, where[1]), token)
        with suppress(KeyboardInterrupt):  # how it ends
            if workers > 1:
                supervise: Any = Multiprocess
                older = {"target": server.run} if "target" in signature(supervise).parameters else {}
                threading.Thread(target=_when_answered, args=(where, say), daemon=True).start()
                supervise(config, sockets=_each_its_own(sock), **older).run()
            else:
                say()
                server.run(sockets=[sock])


class _Own(list[socket.socket]):
    """A socket that every process to which it is sent opens anew, at the same address."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _bound, (self[0].getsockname(), self[0].family)


def _bound(address: Any, family: socket.AddressFamily) -> list[socket.socket]:
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    made.bind(address)
    return [made]


def _each_its_own(sock: socket.socket) -> list[socket.socket]:
    """In place of a socket those of processes, among which the kernel divides connections; of one socket the first
    process that wakes may take all that wait.
    """
    if sys.platform != "linux":  # elsewhere they would all come to one
        return [sock]
    address = sock.getsockname()
    sock.close()
    return _Own(_bound(address, sock.family))


def _when_answered(address: Any, say: Callable[[], None]) -> None:
    """Says it as soon as a process takes connections at the address."""
    while True:
        try:
            socket.create_connection(address[:2]).close()
        except OSError:
            time.sleep(0.1)
        else:
            return say()
