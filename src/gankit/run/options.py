"""Every option of the commands, common ones and those of single kinds: values from Python, TOML files and flags.

Knows the names of kinds, networks and losses; imports none of them, and never torch, data or a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds import KINDS, Command, options_by_kind
from gankit.networks import NETWORKS
from gankit.options import GROUPS, Option, checked, nearest, options_of
from gankit.registry import Registry
from gankit.tracking import split

MEANT = {
    "optimizer": "Adam is used, but by the networks of a paper; its rate is --learning-rate.",
    "lr": "The learning rate is --learning-rate.",
    "steps": "A length is counted in real samples shown to D: --samples 60k, --epochs 20, or a time: --budget 5m.",
    "iterations": "A length is counted in real samples shown to D: --samples 60k, --epochs 20, or a time: --budget 5m.",
    "noise": "The noise z has --latents numbers, drawn from a normal distribution.",
    "noise_dim": "The noise z has --latents numbers.",
    "latent_dim": "The noise z has --latents numbers.",
    "z_dim": "The noise z has --latents numbers.",
    "batch_size": "The records of a batch are --batch.",
    "hidden": "Hidden units are --width, and layers --depth.",
    "layers": "Residual blocks are --depth.",
    "conditional": "A model is conditioned on columns or labels by --given NAME.",
    "labels": "A model is conditioned on columns or labels by --given NAME.",
    "test_size": "The share held out is --heldout-fraction.",
    "k": "Steps of D for each of G are --d-steps.",
    "time": "A length as a time is --budget 5m.",
    "gpu": "A GPU is used where there is one; --device cpu or cuda chooses.",
    "cuda": "A GPU is used where there is one; --device cpu or cuda chooses.",
    "rows": "A length is --samples or --budget; how many rows are made is said to sample: -n.",
}
"""What those mean who use another name for an option, as articles and other programs do."""

CHOICES_MEANT = {
    "bce": "Binary cross-entropy is minimax in the paper of 2014; G's usual form of it is nonsaturating.",
    "gan": "The loss of the paper of 2014 is minimax; G's usual form of it is nonsaturating.",
    "wgan": "The loss of Wasserstein GANs is wasserstein, with --penalty wgan-gp.",
    "lsgan": "The least-squares loss is leastsquares.",
    "mlp": "Plain layers are dense2014 (the paper of 2014) or, for rows, residual.",
    "cnn": "Convolutions are dcgan, strided or stylegan2 for images, and temporal for series.",
    "stylegan": "StyleGAN2 is stylegan2.",
    "lstm": "For series there are recurrent and temporal, for texts symbols.",
    "rnn": "For series there are recurrent and temporal, for texts symbols.",
    "ctgan": "For rows there are sequential and residual.",
}
"""The same of the choices of an option."""

_GROUPS = {"loss": "gankit.losses"}
"""Options whose choices other packages add to, by the group of their entry points."""


MOST_TOML = 1 << 20
"""Characters of a file of options, at most."""


def train_options() -> list[Option]:
    """All options of `train`: the common ones in the order of `TrainConfig`, then those of the kinds."""
    added = {"kind": ("auto", *KINDS), "network": ("auto", *NETWORKS)}
    added |= {name: tuple(Registry(group, {}).others) for name, group in _GROUPS.items()}
    common = [
        replace(option, choices=(*option.choices, *added.get(option.name, ()))) for option in options_of(TrainConfig)
    ]
    return [*common, *kind_options("train")]


def kind_options(command: Command) -> list[Option]:
    """The options that kinds add to a command, each once."""
    found: dict[str, Option] = {}
    for options in options_by_kind(command).values():
        for option in options_of(options):
            found.setdefault(option.name, option)
    return list(found.values())


def build_config(values: Mapping[str, Any], *, where: str = "train") -> TrainConfig:
    """The configuration with `values` in place of the defaults; `where` names their source in errors.

    Raises:
        OptionError: an unknown name, a value of the wrong type, one that is not among the choices, or two options that
            say the same in two ways.

    >>> build_config({"loss": "hinge", "given": ["income"]}).given
    ('income',)
    """
    defaults = {option.name: option.default for option in kind_options("train")}
    chosen = check_values(values, where=where).items()
    config = TrainConfig(**{name: v for name, v in chosen if name not in defaults or v != defaults[name]})
    if sum(length is not None for length in (config.samples, config.budget, config.epochs)) > 1:
        raise OptionError(f"{where}: samples, budget and epochs all set the length. Give one of them.")
    for text in config.log:
        split(text)
    if config.heldout is not None and config.heldout_fraction is not None:
        raise OptionError(f"{where}: of a file of held-out records all are held out. Leave heldout_fraction out.")
    return config


def check_values(values: Mapping[str, Any], *, where: str = "train") -> dict[str, Any]:
    """The values as their fields hold them: lists become tuples.

    Raises:
        OptionError: names the one that is unknown or cannot be.
    """
    known = {o.name: o for o in train_options()}
    found = {}
    for name, value in values.items():
        plain = name.replace("-", "_")
        if plain not in known:
            hint = f" {MEANT[plain]}" if plain in MEANT else nearest(plain, known)
            raise OptionError(f"{where}: there is no option {name!r}.{hint}")
        option, called = known[plain], f"{where}: {plain}"
        if plain in ("loss", "network") and not isinstance(value, str | None):
            found[plain] = _add_part(plain, value)
            continue
        meant = CHOICES_MEANT.get(str(value).lower()) if option.choices and isinstance(value, str | bool) else None
        if meant is not None and value not in option.choices:
            raise OptionError(f"{called} has no {value!r}. {meant}")
        found[plain] = checked(option, value, called)
    return found


def _add_part(option: str, part: Any) -> str:
    """The name under which a loss or a pair of networks of the caller's is known from here on.

    Raises:
        OptionError: it is neither, or has the name of one of gankit's own.
    """
    from gankit.networks.base import Pair
    from gankit.training.losses import Loss, LossLike, add_loss

    if option == "loss":
        if isinstance(part, Loss | LossLike) and not isinstance(part, type):
            return add_loss(part)
        raise OptionError(
            "loss must be a name, a gankit.Loss, or an object with methods discriminator(real, fake) and "
            f"generator(real, fake); got {type(part).__name__}."
        )
    made: Any = part
    pair = made() if isinstance(part, type) and issubclass(part, Pair) else made
    if not isinstance(pair, Pair):
        raise OptionError(
            f"network must be a name or a gankit.Pair, which says how G and D are built; got {type(part).__name__}."
        )
    NETWORKS.add(pair.name, pair)
    return pair.name


def read_toml(path: Path) -> dict[str, Any]:
    """The options of a TOML file: names at the top, or in sections named as the groups are (data, game, length).

    In `[columns]`, `age = "number"` says the same as `column = ["age=number"]`.

    Raises:
        OptionError: the file cannot be read, is not TOML, or names an option or section that does not exist.
    """
    import tomllib

    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_TOML + 1)
        if len(text) > MOST_TOML:
            raise OptionError(f"{path} is larger than any file of options. Check the path after --config.")
        content = tomllib.loads(text)
    except OSError as error:
        raise OptionError(
            f"cannot read the options in {path}: {error.strerror}. Check the path after --config."
        ) from None
    except RecursionError:
        raise OptionError(f"{path} is nested too deeply: options stand at the top or in a section.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(
            f"{path} is not a TOML file: {error}. Mend that place, or give the options as flags."
        ) from None
    return _flatten(content, str(path))


def _flatten(content: Mapping[str, Any], path: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    group_of = {o.name: o.group for o in train_options()}
    for name, value in content.items():
        if name == "columns" and isinstance(value, dict):
            _put(values, {"column": [f"{column}={kind}" for column, kind in value.items()]}, path)
        elif isinstance(value, dict):
            if name not in GROUPS:
                hint = nearest(name, [*GROUPS, "columns"])
                raise OptionError(
                    f"{path}: there is no section [{name}]; there are {', '.join(GROUPS)}, columns.{hint}"
                )
            for key in value:
                at_home = group_of.get(key.replace("-", "_"), name)
                if at_home != name:
                    raise OptionError(f"{path}: {key!r} stands in [{name}] and belongs in [{at_home}]. Move it there.")
            _put(values, check_values(value, where=f"{path}, section [{name}]"), path)
        else:
            _put(values, check_values({name: value}, where=path), path)
    return values


def _put(values: dict[str, Any], more: Mapping[str, Any], path: str) -> None:
    for name, value in more.items():
        if name == "column":
            value = (*values.get(name, ()), *value)
        elif name in values:
            raise OptionError(f"{path}: {name!r} stands there twice. Keep one of them.")
        values[name] = value
