"""`gankit serve`: models over HTTP.

Knows paths and the server; never how anything is answered.
"""

from __future__ import annotations

from pathlib import Path

import click

from gankit.cli.flags import PLACE, Count
from gankit.cli.terminal import speaking
from gankit.options import parse_duration
from gankit.voice import Voice


@click.command("serve", short_help="Serve models over HTTP.")
@click.argument("models", nargs=-1, required=True, type=PLACE, metavar="MODEL...")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="The port; 0: any free one.  [8400 and on]")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=False,
    metavar="ADDRESS",
    help="Address to listen on. On others than this machine's own, requests need a token.  [127.0.0.1]",
)
@click.option(
    "--token", envvar="GANKIT_TOKEN", metavar="TEXT", help="The token that requests must show.  [one is made]"
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, metavar="N", help="Processes that answer.")
@click.option(
    "--most-rows",
    type=Count(min=1),
    default=1_000_000,
    show_default=False,
    metavar="N",
    help="Records of a request at the most.  [1M]",
)
@click.option("--most-time", default="5m", metavar="TIME", help="Time of a request at the most.")
@click.option(
    "--queue",
    type=click.IntRange(1, 10_000),
    default=64,
    metavar="N",
    help="Requests that a process takes at a time; more get status 429.",
)
@speaking
def command(
    voice: Voice,
    models: tuple[str | Path, ...],
    port: int | None,
    host: str,
    token: str | None,
    workers: int,
    most_rows: int,
    most_time: str,
    queue: int,
) -> None:
    """Serve MODELs, model files, run folders or hf://owner/name, over HTTP, each by its name.

    POST /v1/models/NAME/sample with {"n": 100, "seed": 1, "format": "csv"} gives samples; GET /openapi.json says what
    else there is. Ctrl-C ends it.
    """
    from gankit.serve.asked import Limits
    from gankit.serve.serving import serve
    from gankit.serve.store import named

    files = named(models)
    limits = Limits(most_rows, parse_duration(most_time, named="--most-time"), queue)

    def said(address: str, shown: str | None) -> None:
        if shown is not None and token is None:
            voice.note(f"requests need the header: Authorization: Bearer {shown}")
        first = next(iter(files))
        voice.note(f'try: curl {address}v1/models/{first}/sample -H "Content-Type: application/json" -d \'{{"n": 5}}\'')
        told = {"address": address, "models": [*files], "token": shown if token is None else None}
        voice.result(told, f"gankit serve: {address} ({', '.join(files)})")

    serve(files, host=host, port=port, token=token, workers=workers, limits=limits, said=said)
