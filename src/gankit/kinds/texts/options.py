"""What can be set for texts. Knows how options are declared, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gankit.config import option
from gankit.errors import OptionError
from gankit.kinds.options import KeptRuleOptions, Options, StrictOptions


@dataclass(frozen=True)
class TextOptions(StrictOptions, KeptRuleOptions):
    """Of training with texts."""

    unit: str = option(
        "auto",
        "Unit of texts.",
        group="data",
        choices=("auto", "character", "word", "smiles", "dna", "rna", "protein"),
    )
    alphabet: str | None = option(
        None, "Symbols that texts are made of: ACGT, or longer ones with blanks between: 'A1 A2 B'.", group="data"
    )
    text_per: str = option(
        "auto",
        "What a text is in a folder or archive of .txt files (file where there are many of few lines).",
        group="data",
        choices=("auto", "file", "line"),
    )
    text_column: str | None = option(None, "Column of the texts in a table.", group="data")


@dataclass(frozen=True)
class TextSampleOptions:
    """Of samples of texts."""

    prefix: str = option("", "For texts: the beginning of every text.", group="sample", metavar="TEXT")
    temperature: float = option(1.0, "For texts: below 1, more likely and less varied.", group="sample", metavar="T")

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise OptionError(f"--temperature {self.temperature:g}: it must be above 0; 1 is as learned.")


@dataclass(frozen=True)
class TextEvaluateOptions:
    """Of reports on texts; `valid` may be a function of one text as well."""

    valid: str | Callable[[str], bool] | None = option(  # noqa: RUF009
        None, "For texts: a regular expression that matches valid texts as a whole.", group="evaluate", metavar="REGEX"
    )


OPTIONS = Options(TextOptions, TextSampleOptions, TextEvaluateOptions)
