"""Every option of a training run that all kinds of data share, once: its default, its choices and its words.

Flags, TOML files and docs derive from it, and from the options of single kinds, which are declared as these are
(`gankit.kinds.options`). Knows no torch, no data, no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

T = TypeVar("T")


def option(
    default: Any, help: str, *, group: str, choices: tuple[str, ...] = (), metavar: str = "", must: str = ""
) -> Any:
    """A dataclass field that carries its documentation, and what a value must be.

    help: one sentence. group: "data", "game" or "length"; of other commands than train any. choices: the allowed
    values. metavar: what stands for a value in help texts. must: what a number must be, for example "at least 1".
    """
    stated = {"help": help, "group": group, "choices": choices, "metavar": metavar, "must": must}
    return field(default=default, metadata=stated)


DEFAULT_BUDGET = "5m"
"""Length of a training where neither a time nor a number of samples is set."""


@dataclass(frozen=True, init=False)
class TrainConfig:
    """All options of `train`. `None` means: worked out from the data and the budget, and said in one line.

    of_kinds: the options of single kinds of data that were set, by name; `TrainConfig(size="64")` sets one as it does a
        common one, and whether the data's kind knows it is checked when the data is read.

    Example:
        >>> TrainConfig(batch=32, size="64").of_kinds
        {'size': '64'}
    """

    kind: str = option("auto", "Kind of data.", group="data")
    format: str | None = option(
        None,
        "Format of the file, where its suffix does not tell.",
        group="data",
        choices=("csv", "tsv", "txt", "parquet", "arrow", "jsonl", "xml", "npy", "npz"),
    )
    delimiter: str | None = option(None, "Delimiter of a CSV file (found out by itself).", group="data")
    encoding: str | None = option(None, "Text encoding of the file (found out by itself).", group="data")
    header: str = option(
        "auto", "Whether the first line names the columns.", group="data", choices=("auto", "yes", "no")
    )
    skip_bad_lines: bool = option(
        False, "Skip lines of a CSV file that have another number of fields than the first.", group="data"
    )
    xpath: str | None = option(None, "XPath of the records in an XML file.", group="data")
    column: tuple[str, ...] = option(
        (),
        "NAME=TYPE: number, category, boolean, datetime, identifier, text or drop.",
        group="data",
        metavar="NAME=TYPE",
    )
    missing: tuple[str, ...] = option((), "A further word that means missing.", group="data", metavar="WORD")
    given: tuple[str, ...] = option(
        (),
        "A column the model is conditioned on; labels of images and texts are given by themselves; none: no labels.",
        group="data",
        metavar="COL",
    )
    heldout: str | None = option(None, "A file of held-out records in place of a split.", group="data", metavar="FILE")
    heldout_fraction: float | None = option(
        None, "Share held out (.2; .1 above 50,000 rows).", group="data", must="between 0 and 1"
    )

    network: str = option("auto", "Networks: generator and discriminator.", group="game")
    width: int | None = option(None, "Hidden units of a layer.", group="game", must="at least 1")
    depth: int | None = option(None, "Residual blocks of a network.", group="game", must="at least 1")
    latents: int | None = option(
        None, "Numbers of the noise z (100; one a column for sequential).", group="game", must="at least 1"
    )
    loss: str | None = option(
        None,
        "Adversarial loss (relativistic; that of the paper for the networks of a paper).",
        group="game",
        choices=("minimax", "nonsaturating", "leastsquares", "hinge", "wasserstein", "relativistic"),
    )
    penalty: str | None = option(
        None,
        "Gradient penalty on D (r1r2; that of the paper for the networks of a paper).",
        group="game",
        choices=("none", "r1", "r2", "r1r2", "wgan-gp"),
    )
    penalty_method: str = option("exact", "How the penalty is computed.", group="game", choices=("exact", "finite"))
    penalty_weight: float | None = option(
        None, "Weight of the penalty (follows D's gap by itself).", group="game", must="at least 0"
    )
    learning_rate: float | None = option(None, "Adam's learning rate at the start.", group="game", must="above 0")
    batch: int | None = option(None, "Records of a batch.", group="game", must="at least 2")
    d_steps: int = option(1, "Steps of D for each step of G (k in the paper of 2014).", group="game", must="at least 1")
    ema_half_life: float | None = option(
        None, "Half-life of the averaged generator, in samples.", group="game", must="at least 0"
    )
    warmup: float | None = option(
        None,
        "Share of the training spent on the likelihood warm-up (sequential, symbols).",
        group="game",
        must="from 0 to 1",
    )

    budget: str | None = option(None, "Length as a time: 90s, 5m, 2h.", group="length")
    samples: str | None = option(None, "Length as real samples shown to D: 60k, 2M.", group="length")
    early_stop: bool = option(True, "Stop when the held-out metric no longer improves.", group="length")
    evaluations: int = option(20, "How often the held-out metric is taken.", group="length", must="at least 1")
    precision: str = option(
        "auto", "Type that inner layers multiply in.", group="length", choices=("auto", "float32", "bfloat16")
    )
    compile: str = option(
        "auto",
        "Steps through torch.compile: auto measures at the start whether it pays, in budgets of 50 minutes or more.",
        group="length",
        choices=("auto", "on", "off"),
    )
    threads: int | None = option(
        None,
        "Threads of the processor (1 for small networks; for images as many as pay at the start).",
        group="length",
        must="at least 1",
    )
    seed: int = option(0, "Seed of every draw.", group="length")
    device: str = option("auto", "Where to compute.", group="length", choices=("auto", "cpu", "cuda", "mps"))

    of_kinds: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        own = dict(values.pop("of_kinds", {}))
        for f in fields(self):
            if f.name != "of_kinds":
                object.__setattr__(self, f.name, values.pop(f.name, f.default))
        object.__setattr__(self, "of_kinds", {**own, **values})

    def own(self, options: type[T]) -> T:
        """The options of a kind, with its defaults for what was not set.

        options: a dataclass whose fields are options, for example `gankit.kinds.images.options.ImageOptions`.
        """
        names = {f.name for f in fields(options)}  # type: ignore[arg-type]  # T is a dataclass
        return options(**{name: value for name, value in self.of_kinds.items() if name in names})

    def with_options(self, **values: Any) -> TrainConfig:
        """The same configuration with `values`, common ones or those of a kind, in place of what was set."""
        return TrainConfig(**{**self._values(), **values})

    def completed(self, options: type[Any]) -> TrainConfig:
        """The configuration with all options of one kind in place of those that were set, so that it stands for itself
        whatever defaults may become.
        """
        own = self.own(options)
        return replace(self, of_kinds=dict(vars(own)))

    def _values(self) -> dict[str, Any]:
        return {**{f.name: getattr(self, f.name) for f in fields(self) if f.name != "of_kinds"}, **self.of_kinds}

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON values, those of kinds among the others; `from_json` takes them back."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self._values().items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainConfig:
        """The options that `to_json` wrote."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items()})
