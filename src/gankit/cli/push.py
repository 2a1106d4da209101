"""`gankit push`: a model and its card to a repository of the Hugging Face Hub.

Knows paths and addresses; never what is uploaded, or how.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.flags import MODEL, PATH
from gankit.cli.terminal import speaking
from gankit.voice import Voice


@click.command("push", short_help="Upload a model to the Hugging Face Hub.")
@MODEL
@click.argument("repo", metavar="OWNER/NAME")
@click.option(
    "--report",
    type=PATH,
    metavar="PATH",
    help="A report.json or its folder: its figures go into the card and are uploaded.  [RUN/report, for the card]",
)
@click.option("--private", is_flag=True, help="Make a repository that only its owner can read.")
@click.option("--licence", metavar="NAME", help="Licence of the data, for the card: cc-by-4.0.")
@click.option("--message", metavar="TEXT", help="Message of the commit.")
@click.option("--dry-run", type=PATH, metavar="DIR", help="Write the files into DIR instead, and upload nothing.")
@speaking
def command(
    voice: Voice,
    model: str | Path,
    repo: str,
    report: Path | None,
    private: bool,
    licence: str | None,
    message: str | None,
    dry_run: Path | None,
) -> None:
    """Upload MODEL, a model file or a run folder, and a model card to OWNER/NAME on the Hugging Face Hub.

    Records are never uploaded. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from gankit.hub.push import push

    asked: Any = {"report": report, "private": private, "licence": licence, "message": message, "dry_run": dry_run}
    done = push(model, repo, **asked, on_note=voice.note)
    result = {"address": done.address, "url": done.url, "files": [*done.files]}
    files = ", ".join(done.files)
    text = f"{files} in {dry_run}; nothing was uploaded" if dry_run else f"{done.address} ({files}): {done.url}"
    voice.result(result, text)
