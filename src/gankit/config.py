"""Every option of a training run that all kinds of data share, once: its default, its choices and its words.

Flags, TOML files and docs derive from it, and from the options of single kinds, which are declared as these are
(`gankit.kinds.options`). Knows no torch, no data, no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

DEFAULT_BUDGET = "5m"
"""Length of a training where neither a time nor a number of samples is set."""


def option(
    default: Any, help: str, *, group: str, choices: tuple[str, ...] = (), metavar: str = "", must: str = ""
) -> Any:
    """A dataclass field that carries its documentation, and what a value must be.

    help: one sentence. group: "data", "game" or "length"; of other commands than train any. choices: the allowed
    values. metavar: what stands for a value in help texts. must: what a number must be, for example "at least 1".
    """
    stated = {"help": help, "group": group, "choices": choices, "metavar": metavar, "must": must}
    return field(default=default, metadata=stated)


_data, _game, _length = (partial(option, group=name) for name in ("data", "game", "length"))


@dataclass(frozen=True, init=False)
class TrainConfig:
    """All options of `train`. `None` means: worked out from the data and the budget, and said in one line.

    of_kinds: the options of single kinds of data that were set, by name; `TrainConfig(size="64")` sets one as it does a
        common one, and whether the data's kind knows it is checked when the data is read.

    Example:
        >>> TrainConfig(batch=32, size="64").of_kinds
        {'size': '64'}
    """

    kind: str = _data("auto", "Kind of data.")
    format: str | None = _data(
        None,
        "Format of the file, where its suffix does not tell.",
        choices=("csv", "tsv", "txt", "fasta", "parquet", "arrow", "jsonl", "xml", "arff", "xlsx", "npy", "npz"),
    )
    delimiter: str | None = _data(None, "Delimiter of a CSV file (detected).")
    encoding: str | None = _data(None, "Text encoding of the file (detected).")
    header: str = _data("auto", "Whether the first line names the columns.", choices=("auto", "yes", "no"))
    skip_bad_lines: bool = _data(False, "Skip lines of a CSV file that have another number of fields than the first.")
    xpath: str | None = _data(None, "XPath of the records in an XML file.")
    column: tuple[str, ...] = _data(
        (), "NAME=TYPE: number, category, boolean, datetime, identifier, text or drop.", metavar="NAME=TYPE"
    )
    missing: tuple[str, ...] = _data((), "A further word that means missing.", metavar="WORD")
    given: tuple[str, ...] = _data(
        (),
        "A column to condition on; labels of images and texts are by default; none: no labels.",
        metavar="COL",
    )
    heldout: str | None = _data(None, "A file of held-out records instead of a split.", metavar="FILE")
    heldout_fraction: float | None = _data(None, "Share held out (.2; .1 above 50,000 rows).", must="between 0 and 1")
    memory: str | None = _data(
        None,
        "Memory that a table or its series may take (half of the machine's). Of a larger one some rows say what the "
        "columns are, and all are trained on from disk.",
        metavar="SIZE",
    )

    network: str = _game("auto", "Networks: generator and discriminator.")
    from_: str | None = _game(
        None,
        "A run folder, model file or hf://owner/name whose networks this training begins with; columns, levels and "
        "sizes may differ.",
        metavar="MODEL",
    )
    width: int | None = _game(None, "Hidden units of a layer.", must="at least 1")
    depth: int | None = _game(None, "Residual blocks of a network.", must="at least 1")
    latents: int | None = _game(None, "Dimensions of the noise z (100; of sequential the columns).", must="at least 1")
    members: int | None = _game(
        None, "Networks of the ensemble that G is (4 of sequential, where time and data allow).", must="at least 1"
    )
    loss: str | None = _game(
        None,
        "Adversarial loss (relativistic; that of the paper for the networks of a paper).",
        choices=("minimax", "nonsaturating", "leastsquares", "hinge", "wasserstein", "relativistic"),
    )
    penalty: str | None = _game(
        None,
        "Gradient penalty on D (r1r2; that of the paper for the networks of a paper).",
        choices=("none", "r1", "r2", "r1r2", "wgan-gp"),
    )
    penalty_method: str = _game("exact", "How the penalty is computed.", choices=("exact", "finite"))
    penalty_weight: float | None = _game(None, "Weight of the penalty (adapts to D's gap).", must="at least 0")
    learning_rate: float | None = _game(None, "Adam's learning rate at the start.", must="above 0")
    generator_rate: float | None = _game(
        None, "G's learning rate as a multiple of D's (1; that of the networks' recipe).", must="above 0"
    )
    batch: int | None = _game(None, "Batch size: records per batch.", must="at least 2")
    d_steps: int = _game(1, "Steps of D for each step of G (k in the paper of 2014).", must="at least 1")
    ema_half_life: float | None = _game(None, "Half-life of the averaged generator, in samples.", must="at least 0")
    warmup: float | None = _game(
        None, "Share of the training spent on the likelihood pretraining (sequential, symbols).", must="from 0 to 1"
    )

    budget: str | None = _length(None, "Length as a time: 90s, 5m, 2h.")
    samples: str | None = _length(None, "Length as real samples shown to D: 60k, 2M.")
    epochs: float | None = _length(None, "Length in epochs: how often D is shown all training records.", must="above 0")
    early_stop: bool = _length(True, "Stop when the held-out metric no longer improves.")
    evaluations: int = _length(20, "How often the held-out metric is computed.", must="at least 1")
    previews: str = _length(
        "50MB", "Disk space for previews and generators of many steps; 0 keeps none.", metavar="SIZE"
    )
    precision: str = _length("auto", "Number type of matrix products.", choices=("auto", "float32", "bfloat16"))
    compile: str = _length(
        "auto",
        "Steps through torch.compile: auto measures first whether it is faster, in budgets of 125 minutes or more.",
        choices=("auto", "on", "off"),
    )
    threads: int | None = _length(
        None,
        "CPU threads (1 for small networks; for images measured at the start).",
        must="at least 1",
    )
    seed: int = _length(0, "Random seed.")
    log: tuple[str, ...] = _length(
        (),
        "A tracker that is sent losses, scores, metrics and previews: tensorboard, mlflow or wandb, and where: "
        "tensorboard:DIR, mlflow:URI, wandb:PROJECT.",
        metavar="TRACKER",
    )
    device: str = _length("auto", "Device to compute on.", choices=("auto", "cpu", "cuda", "mps"))

    of_kinds: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        own = dict(values.pop("of_kinds", {}))
        for f in fields(self):
            if f.name != "of_kinds":
                object.__setattr__(self, f.name, values.pop(f.name, f.default))
        object.__setattr__(self, "of_kinds", {**own, **values})

    def own(self, options: type[T]) -> T:
        """The options of a kind, a dataclass such as `ImageOptions`, with its defaults for what was not set."""
        names = {f.name for f in fields(options)}  # type: ignore[arg-type]  # T is a dataclass
        return options(**{name: value for name, value in self.of_kinds.items() if name in names})

    def with_options(self, **values: Any) -> TrainConfig:
        """The same configuration with `values`, common ones or those of a kind, in place of what was set."""
        return TrainConfig(**{**self._values(), **values})

    def completed(self, options: type[Any]) -> TrainConfig:
        """The configuration with all options of one kind, so that it stands for itself whatever defaults become."""
        return replace(self, of_kinds=dict(vars(self.own(options))))

    def _values(self) -> dict[str, Any]:
        return {**{f.name: getattr(self, f.name) for f in fields(self) if f.name != "of_kinds"}, **self.of_kinds}

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON values, those of kinds among the others; `from_json` takes them back."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self._values().items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainConfig:
        """The options that `to_json` wrote."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items()})
