"""What every report's page shares: the template's environment, the card, the alarms, the footer.

Knows Jinja2, cards and histories; never metrics, samples or pictures. Every text goes through Jinja2's autoescape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(name: str) -> Template:
    """The template of that name in this folder; a name that it uses and nobody gave is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("gankit", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment.get_template(name)


def style() -> Markup:
    """The style sheet of every page."""
    return Markup(files("gankit.report").joinpath("style.css").read_text(encoding="utf-8"))


def _tied(text: str) -> Markup:
    """The text, escaped, with percent signs tied to their numbers and options set as code, so that neither is torn."""
    safe = str(escape(text)).replace(" %", "\u00a0%")
    return Markup(re.sub(r"--[a-z][a-z-]*(?: [A-Z][A-Z=]*)?", r"<code>\g<0></code>", safe))


def titled(title: str, text: str) -> tuple[str, str]:
    """A verdict cut into its title and the rest; no title where it does not begin with it."""
    return (title, text.removeprefix(f"{title}: ")) if text.startswith(f"{title}: ") else ("", text)


def footer(card: Mapping[str, Any]) -> str:
    """Who made the page, and where its figures are for machines."""
    version = card.get("gankit_version") or card.get("version")
    maker = f"gankit {version}" if version else "gankit"
    return f"Made by {maker}. The same figures for machines are in the JSON file beside this page."


def alarms(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every alarm of the training, once."""
    return list(dict.fromkeys(str(a) for entry in history for a in entry.get("alarms") or ()))


def card_lines(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the card says, as (name, text); what is empty is left out."""
    return [(k.replace("_", " "), _card_text(v)) for k, v in card.items() if v not in (None, "", [], {})]


def _card_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_card_text(v)}" for k, v in value.items() if v not in (None, "", [], {}))
    if isinstance(value, list | tuple):
        shown = [f"({_card_text(v)})" if isinstance(v, Mapping) else _card_text(v) for v in value[:30]]
        return ", ".join(shown) + (f" and {len(value) - 30} more" if len(value) > 30 else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10000 else str(value)
    return f"{value:.5g}" if isinstance(value, float) else _short(str(value))


def _short(text: str) -> str:
    """A text cut to 200 characters, so that one long option cannot fill the page."""
    return text if len(text) <= 200 else f"{text[:199]}…"
