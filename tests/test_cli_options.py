"""Flags, TOML files and Python options are the fields of `TrainConfig`, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds import KINDS, options_by_kind
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.options import AugmentOptions
from gankit.options import Option, nearest, options_of, parse_duration, parse_samples
from gankit.run.options import build_config, read_toml, train_options


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "options.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_field_is_an_option_with_words_and_a_known_group() -> None:
    options = train_options()
    names = [f.name for f in dataclasses.fields(TrainConfig) if f.name != "of_kinds"]
    for stated in options_by_kind("train").values():
        names += [f.name for f in dataclasses.fields(stated) if f.name not in names]
    assert sorted(o.name for o in options) == sorted(names)
    assert all(o.help.endswith(".") and o.group in ("data", "game", "length") for o in options)


@pytest.mark.parametrize("command", ["train", "sample", "evaluate"])
def test_kinds_that_share_an_option_state_it_alike_and_none_takes_a_common_name(command: Any) -> None:
    common = {o.name for o in options_of(TrainConfig)}
    stated: dict[str, Option] = {}
    for name, options in options_by_kind(command).items():
        assert getattr(KINDS[name].options, command) is options
        for option in options_of(options):
            assert stated.setdefault(option.name, option) == option
            assert option.name not in common


def test_options_of_a_kind_have_its_defaults_where_they_are_not_set() -> None:
    config = TrainConfig(size="8", batch=4)
    assert config.own(ImageOptions) == ImageOptions(size="8") and config.own(AugmentOptions).augment == "auto"
    assert config.with_options(size="9", seed=3) == TrainConfig(size="9", batch=4, seed=3)
    assert config.completed(ImageOptions).of_kinds == vars(ImageOptions(size="8"))
    assert build_config({"size": "8", "fit": "crop"}).of_kinds == {"size": "8"}


def test_options_of_a_run_from_before_kinds_had_their_own_are_read() -> None:
    then = {**{o.name: o.default for o in train_options()}, "kind": "image", "size": "8", "given": ["y"]}
    assert TrainConfig.from_json(then).own(ImageOptions) == ImageOptions(size="8")
    assert TrainConfig.from_json(then).given == ("y",)


def test_every_default_is_allowed_by_its_own_option() -> None:
    defaults = {o.name: o.default for o in train_options()}
    assert build_config(defaults) == TrainConfig()


def test_choices_name_their_default() -> None:
    for o in train_options():
        chosen = o.default if o.many else [] if o.default is None else [o.default]
        assert not o.choices or set(chosen) <= set(o.choices), o.name


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(OptionError, match=r"there is no option 'lerning_rate'. Did you mean 'learning_rate'\?"):
        build_config({"lerning_rate": 1e-3})


def test_an_unknown_choice_is_refused_with_all_choices() -> None:
    with pytest.raises(OptionError, match=r"loss must be one of minimax, .*; got 'hing'. Did you mean 'hinge'\?"):
        build_config({"loss": "hing"})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("width", 1.5, "a whole number or nothing"),
        ("width", True, "a whole number or nothing"),
        ("learning_rate", "fast", "a number or nothing"),
        ("early_stop", "yes", "true or false"),
        ("given", 3, "a list of texts"),
        ("seed", None, "a whole number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: object, wanted: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be {wanted}; got"):
        build_config({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0), ("depth", -1), ("batch", 1), ("latents", 0), ("d_steps", 0), ("evaluations", 0), ("warmup", 1.5),
        ("heldout_fraction", 0.0), ("heldout_fraction", 1.0), ("learning_rate", 0.0), ("learning_rate", float("nan")),
        ("penalty_weight", -1.0), ("threads", 0), ("ema_half_life", -5.0), ("ema_half_life", float("inf")),
    ],
)  # fmt: skip
def test_a_number_outside_its_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"{name} must be .*; got"):
        build_config({name: value})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("budget", "five"), ("budget", "5"), ("budget", "0s"), ("budget", "5 minutes"), ("budget", "-3m"),
        ("samples", "many"), ("samples", "0"), ("samples", "2kk"), ("samples", "0.1"), ("samples", "-5"),
    ],
)  # fmt: skip
def test_a_length_that_cannot_be_read_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(OptionError, match=f"somewhere: {name} must be .*; got {text!r}"):
        build_config({name: text}, where="somewhere")


def test_two_lengths_are_refused() -> None:
    with pytest.raises(OptionError, match="samples, budget and epochs all set the length"):
        build_config({"samples": "2k", "budget": "5m"})
    with pytest.raises(OptionError, match="Leave heldout_fraction out"):
        build_config({"heldout": "x.csv", "heldout_fraction": 0.1})


@given(st.integers(1, 10**6), st.sampled_from(["s", "m", "h"]))
def test_a_length_is_read_as_it_is_written(number: int, unit: str) -> None:
    assert parse_duration(f" {number}{unit} ") == number * {"s": 1, "m": 60, "h": 3600}[unit]
    assert parse_samples(f"{number}k") == (1000 * number, ())
    assert parse_samples(str(number)) == (number, ())
    assert build_config({"samples": number}).samples == str(number)


def test_one_text_stands_for_a_list_of_one() -> None:
    assert build_config({"given": "income"}).given == ("income",)


def test_a_list_becomes_a_tuple_and_a_whole_number_a_float() -> None:
    config = build_config({"missing": ["?", "NA"], "penalty_weight": 2})
    assert config.missing == ("?", "NA")
    assert config.penalty_weight == 2.0


def test_a_toml_file_gives_the_same_options_flat_or_in_sections(tmp_path: Path) -> None:
    flat = read_toml(toml(tmp_path, 'loss = "hinge"\nbudget = "90s"\ngiven = ["sex"]\nd-steps = 2\n'))
    sections = '[game]\nloss = "hinge"\nd_steps = 2\n[length]\nbudget = "90s"\n[data]\ngiven = "sex"\n'
    assert build_config(flat) == build_config(read_toml(toml(tmp_path, sections)))


def test_columns_may_stand_in_a_section_of_their_own(tmp_path: Path) -> None:
    values = read_toml(toml(tmp_path, '[columns]\nage = "number"\n"home town" = "category"\n'))
    assert build_config(values).column == ("age=number", "home town=category")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("los = 'hinge'", r"there is no option 'los'. Did you mean 'loss'\?"),
        ("[gaem]\nloss = 'hinge'", r"there is no section \[gaem\].* Did you mean 'game'\?"),
        ("[data]\nloss = 'hinge'", r"'loss' stands in \[data\] and belongs in \[game\]"),
        ("loss = 'hinge'\n[game]\nloss = 'hinge'", "'loss' stands there twice"),
        ("loss = ", "is not a TOML file"),
        ("[game]\nwidth = 'wide'", r"section \[game\]: width must be a whole number or nothing; got 'wide'"),
    ],
)
def test_a_bad_toml_file_is_refused_with_its_name_and_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        build_config(read_toml(toml(tmp_path, text)))
    assert "options.toml" in str(caught.value)


def test_a_toml_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"nowhere\.toml: No such file"):
        read_toml(tmp_path / "nowhere.toml")


@given(
    st.builds(TrainConfig, seed=st.integers(), given=st.lists(st.text()).map(tuple), width=st.none() | st.integers())
)
def test_a_config_comes_back_from_its_json(config: TrainConfig) -> None:
    assert TrainConfig.from_json(config.to_json()) == config


@given(st.text(max_size=30))
def test_a_suggestion_is_always_a_known_word(word: str) -> None:
    known = [o.name for o in train_options()]
    hint = nearest(word, known)
    assert hint == "" or hint.removeprefix(" Did you mean '").removesuffix("'?") in known
