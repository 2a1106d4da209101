"""`gankit inspect`: what a model is, from the header of its file.

Knows model cards; never torch.
"""

from __future__ import annotations

from pathlib import Path

import click

from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice, outline
from gankit.run.options import train_options


@click.command("inspect", short_help="Say what a model is.")
@click.argument("model", type=click.Path(path_type=Path))
@speaking
def command(voice: Voice, model: Path) -> None:
    """Say what MODEL (a model file or a run folder) is: kind, columns, networks, training length, scores."""
    from gankit.model import inspect as inspect_model

    card = inspect_model(model)
    defaults = {option.name: option.default for option in train_options()}
    chosen = {k: v for k, v in card.get("options", {}).items() if v not in (defaults.get(k), [])}
    voice.result(card, outline({**card, "options": chosen or "all at their defaults"}))
