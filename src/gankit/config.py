"""Every option of a training run, once: its default, its choices and its words. Flags, TOML and docs derive from it.

Knows no torch, no data, no terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


def option(default: Any, help: str, *, group: str, choices: tuple[str, ...] = (), metavar: str = "") -> Any:
    """A dataclass field that carries its documentation (`help`), its `group` and its allowed `choices`."""
    return field(default=default, metadata={"help": help, "group": group, "choices": choices, "metavar": metavar})


FEATURES = ("auto", "fixed", "inception")
"""What distances between pictures may be measured in: the run's own features (a classifier of the labels, or a fixed
network), a fixed network, or the Inception network of the FID."""


DEFAULT_BUDGET = "5m"
"""Length of a training where neither a time nor a number of samples is set."""


@dataclass(frozen=True)
class TrainConfig:
    """All options of `train`. `None` means: worked out from the data and the budget, and said in one line."""

    kind: str = option(
        "auto",
        "Kind of data.",
        group="data",
        choices=("auto", "number", "vector", "table", "image", "audio", "series", "text"),
    )
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
    size: str | None = option(
        None, "Width and height of images, 64 or 64x48 (that of the files, if all agree).", group="data"
    )
    fit: str = option(
        "crop",
        "How an image of another shape is made to fit --size: cut, bordered, or distorted.",
        group="data",
        choices=("crop", "pad", "stretch"),
    )
    resample: str = option(
        "lanczos",
        "Filter that resizes images.",
        group="data",
        choices=("lanczos", "bicubic", "bilinear", "box", "nearest"),
    )
    channels: str = option(
        "auto", "Channels of images (those of the files).", group="data", choices=("auto", "grey", "rgb", "rgba")
    )
    mirror: str = option(
        "auto",
        "Show D images as they are or mirrored, by chance: twice the data where left and right are alike; auto finds "
        "out whether they are, in budgets of 10 minutes or more.",
        group="data",
        choices=("auto", "on", "off"),
    )
    strict: bool = option(
        False, "Refuse data with unreadable images, recordings or texts in place of skipping them.", group="data"
    )
    rate: int | None = option(
        None, "Samples a second of recordings (those of the files; of arrays it must be said).", group="data"
    )
    seconds: float | None = option(
        None, "Length of recordings: longer ones are cut, shorter ones padded (99 of 100 fit by itself).", group="data"
    )
    cut: bool = option(
        False, "Cut recordings into pieces of --seconds (1) and learn all; one alone is cut by itself.", group="data"
    )
    mono: bool = option(False, "Mix the two channels of recordings into one.", group="data")
    pattern: str | None = option(
        None,
        "Labels in the names of recordings: {digit}_{speaker}_{_} for 7_theo_12.wav, {_} left out.",
        group="data",
    )
    time: str | None = option(None, "Column of the times of a series (found out by itself).", group="data")
    entity: str | None = option(None, "Column that tells the series of a table apart.", group="data")
    attributes: tuple[str, ...] = option(
        (), "A column that is the same at every step of a series.", group="data", metavar="COL"
    )
    window: int | None = option(None, "Steps of the windows that a long series is cut into (24).", group="data")
    stride: int | None = option(None, "Steps from one window to the next (1).", group="data")
    calendar: tuple[str, ...] = option(
        (),
        "Part of the date at which a series begins that its values depend on.",
        group="data",
        choices=("month", "weekday", "hour"),
    )
    unit: str = option(
        "auto",
        "What texts are made of, symbol by symbol.",
        group="data",
        choices=("auto", "character", "word", "smiles", "dna", "rna", "protein"),
    )
    alphabet: str | None = option(
        None,
        "Symbols that texts are made of: ACGT, or longer ones with blanks between: 'A1 A2 B'.",
        group="data",
    )
    text_column: str | None = option(None, "Column of the texts in a table.", group="data")
    heldout: str | None = option(None, "A file of held-out records in place of a split.", group="data", metavar="FILE")
    heldout_fraction: float | None = option(None, "Share held out (.2; .1 above 50,000 rows).", group="data")
    target: str | None = option(
        None, "Column whose prediction measures usefulness (guessed if not given).", group="data"
    )

    network: str = option(
        "auto",
        "Networks: generator and discriminator.",
        group="game",
        choices=(
            "auto",
            "sequential",
            "residual",
            "dense2014",
            "conv2014",
            "strided",
            "dcgan",
            "stylegan2",
            "principal",
            "temporal",
            "recurrent",
            "attention",
            "symbols",
            "wave",
        ),
    )
    width: int | None = option(None, "Hidden units of a layer.", group="game")
    depth: int | None = option(None, "Residual blocks of a network.", group="game")
    latents: int | None = option(None, "Numbers of the noise z (100; one a column for sequential).", group="game")
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
    augment: str = option(
        "auto",
        "Augmentation before D: of images auto is ada, of recordings spectral, as strong as D's overfitting asks for.",
        group="game",
        choices=("auto", "none", "ada", "diffaugment", "spectral"),
    )
    penalty_method: str = option("exact", "How the penalty is computed.", group="game", choices=("exact", "finite"))
    penalty_weight: float | None = option(None, "Weight of the penalty (follows D's gap by itself).", group="game")
    learning_rate: float | None = option(None, "Adam's learning rate at the start.", group="game")
    batch: int | None = option(None, "Records of a batch.", group="game")
    d_steps: int = option(1, "Steps of D for each step of G (k in the paper of 2014).", group="game")
    ema_half_life: float | None = option(None, "Half-life of the averaged generator, in samples.", group="game")
    warmup: float | None = option(
        None, "Share of the training spent on the likelihood warm-up (sequential, symbols).", group="game"
    )

    budget: str | None = option(None, "Length as a time: 90s, 5m, 2h.", group="length")
    samples: str | None = option(None, "Length as real samples shown to D: 60k, 2M.", group="length")
    early_stop: bool = option(True, "Stop when the held-out metric no longer improves.", group="length")
    evaluations: int = option(20, "How often the held-out metric is taken.", group="length")
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
        None, "Threads of the processor (1 for small networks; for images as many as pay at the start).", group="length"
    )
    seed: int = option(0, "Seed of every draw.", group="length")
    device: str = option("auto", "Where to compute.", group="length", choices=("auto", "cpu", "cuda", "mps"))

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON values; `from_json` takes them back."""
        return {f.name: list(v) if isinstance(v := getattr(self, f.name), tuple) else v for f in fields(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TrainConfig:
        """The options that `to_json` wrote."""
        options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
        if isinstance(options.get("mirror"), bool):  # of runs from before it could be found out
            options["mirror"] = "on" if options["mirror"] else "auto"
        return cls(**options)
