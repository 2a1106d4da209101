"""Writes the tables of flags in docs/cli.md anew, from the commands and `TrainConfig`: `python scripts/docs.py`.

A table stands between `<!-- flags: COMMAND [GROUP] -->` and `<!-- end -->`. A test fails when one is out of date.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from gankit.cli import cli
from gankit.options import default_text, metavar_of
from gankit.run.options import train_options

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"


def command_table(name: str) -> str:
    """The flags of a command that are not options of `TrainConfig`, as a Markdown table."""
    command = cli.commands[name]
    of_config = {o.name for o in train_options()} if name == "train" else set()
    lines = ["| flag | what it does |", "|---|---|"]
    context = click.Context(command, help_option_names=[], show_default=True)
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and parameter.name not in of_config:
            record = parameter.get_help_record(context)
            assert record is not None
            # a bar would end the cell, even between backticks
            flag, words = (text.replace("|", r"\|") for text in record)
            lines.append(f"| `{flag}` | {words} |")
    return "\n".join(lines)


def options_table(group: str) -> str:
    """The options of a group as a Markdown table: flag, default, and what it does."""
    lines = ["| flag | default | what it does |", "|---|---|---|"]
    for o in train_options():
        if o.group == group:
            choices = f" One of {', '.join(f'`{c}`' for c in o.choices)}." if o.choices else ""
            repeat = " May be repeated." if o.many else ""
            metavar = "" if o.scalar is bool or o.choices else f" {metavar_of(o)}"
            lines.append(f"| `{o.declaration}{metavar}` | {default_text(o)} | {o.help}{choices}{repeat} |")
    return "\n".join(lines)


def rewritten(page: str) -> str:
    """The page with every table as it must be."""

    def table(found: re.Match[str]) -> str:
        command, group = found[1], found[2]
        content = options_table(group) if group else command_table(command)
        return f"<!-- flags: {command}{' ' + group if group else ''} -->\n{content}\n<!-- end -->"

    return re.sub(r"<!-- flags: (\w+)(?: (\w+))? -->.*?<!-- end -->", table, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
