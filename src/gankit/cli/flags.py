"""Flags that several commands have or that follow from options, and rows as they are typed: --rows 3,17 of one seed.

Knows options, click and texts; never what an option does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from gankit.arguments import path_of
from gankit.errors import OptionError
from gankit.io.hub import is_on_hub
from gankit.kinds import Command
from gankit.options import GROUPS, Option, default_text, metavar_of, parse_samples
from gankit.run.options import CHOICES_MEANT, MEANT, kind_options, train_options


class _Path(click.ParamType["Path"]):
    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; refused where no file can have it."""
        try:
            return path_of(value)
        except OptionError as error:
            self.fail(str(error), param, ctx)


class _Model(_Path):
    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or the address of a model on the Hugging Face Hub as it is."""
        return value if is_on_hub(value) else super().convert(value, param, ctx)


class Count(click.IntRange):
    """A whole number, as digits or as 10k, 2M."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; refused where it is none, or out of range."""
        if not re.fullmatch(r"-?\d+", str(value)):
            try:
                value = parse_samples(str(value), named="it")[0]
            except OptionError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


class Shard(click.ParamType["tuple[int, int]"]):
    """One part of several, as 0/4."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """(part, parts); refused where there is no such part."""
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(value))
        if found is None or int(found[1]) >= int(found[2]):
            self.fail(f"{value!r} is no part of several. Parts are 0/4, 1/4, 2/4 and 3/4 of four.", param, ctx)
        return int(found[1]), int(found[2])


PATH, PLACE = _Path(), _Model()
MODEL = click.argument("model", type=PLACE)
"""A model file, a run folder or hf://owner/name."""

Function = TypeVar("Function", bound=Callable[..., Any])


def out_option(help: str, required: bool = True) -> Callable[[Function], Function]:
    """The flag of what a command writes."""
    return click.option("-o", "--out", type=PATH, required=required, help=help)


class OptionsCommand(click.Command):
    """A command that has, beside its own flags, one for each option of `stated`: "train", "sample" or "evaluate".

    They are listed when they are first asked for, since the packages that may add kinds are then looked through; and
    shown under the headings of their groups.
    """

    def __init__(self, *arguments: Any, stated: Command, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._stated = stated
        self._group_of: dict[str, str] | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All flags and arguments."""
        if self._group_of is None:
            options = train_options() if self._stated == "train" else kind_options(self._stated)
            self._group_of = {option.name: option.group for option in options}
            self.params += map(_flag, options)
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the command line; what articles and other programs call an option is answered by its name here."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if (hint := MEANT.get(error.option_name.lstrip("-").replace("-", "_"))) is None or self._stated != "train":
                raise
            raise click.UsageError(f"No such option: {error.option_name}. {hint}", ctx) from None
        except click.BadParameter as error:
            written = re.match("'([^']+)'", error.message)
            hint = CHOICES_MEANT.get(written[1].lower()) if written else None
            if hint is None:
                raise
            raise click.BadParameter(f"{error.message} {hint}", ctx, error.param) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section for each group of options that has a heading, and one for all other flags."""
        shown = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        groups = {p: (self._group_of or {}).get(p.name or "", "") for p in shown}
        for group, heading in {"": "Options", **GROUPS}.items():
            within = [p for p in shown if (groups[p] if groups[p] in GROUPS else "") == group]
            if records := [record for p in within if (record := p.get_help_record(ctx)) is not None]:
                with formatter.section(heading):
                    formatter.write_dl(records)


def _flag(option: Option) -> click.Option:
    shown = "" if option.default in (None, "") or option.many else f"  [{default_text(option)}]".replace("`", "")
    keywords: dict[str, Any] = {"default": None, "help": option.help + shown, "show_default": False}
    if option.scalar is not bool:
        keywords["type"] = click.Choice(option.choices) if option.choices else option.scalar
        keywords["metavar"] = None if option.choices else metavar_of(option)
        keywords["multiple"] = option.many
    return click.Option([option.declaration, option.name], **keywords)


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were typed."""
    return {name: value for name, value in flags.items() if value is not None and value != ()}


def numbers(flag: str, text: str) -> list[int]:
    """Whole numbers from 0, with commas between them; "4-6" is 4, 5, 6.

    Raises:
        OptionError: it is no such text.

    >>> numbers("--rows", "3,17, 4-6")
    [3, 17, 4, 5, 6]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.strip().isdecimal()):
            raise OptionError(
                f"{flag} {text}: {part.strip()!r} is no number from 0. Expected numbers, as in {flag} 3,17."
            )
        end = int(last) if dash else int(first)
        if end < int(first) or end - int(first) > 10_000:
            raise OptionError(f"{flag} {text}: {part.strip()!r} is no range of at most 10,000 numbers.")
        found += range(int(first), end + 1)
    return found
