"""The modules of the page as texts: what they import is there, no HTML is parsed, every word is in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from gankit.cli import COMMANDS
from gankit.randomness import numpy_generator
from gankit.training import loop
from gankit.web.folders.log import split_alarm
from gankit.web.replay import STATIC

MODULES = {path.relative_to(STATIC).as_posix(): path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js")}
MOST_LINES = 250
_DECLARED = re.compile(
    r"^(export )?(?:async )?(?:function\*?|const|let|class) (?:\[([\w, ]+)\]|\{([\w, ]+)\}|([\w$]+))", re.MULTILINE
)
_WORD = re.compile(r'(?:^|[ ,])(\w+): (?:"((?:[^"\\]|\\.)*)"|\(\{)', re.MULTILINE)


def exported(text: str) -> set[str]:
    return {
        name for export, *names in _DECLARED.findall(text) if export for name in re.findall(r"[\w$]+", " ".join(names))
    }


def words(language: str) -> dict[str, str]:
    """The texts of a language by their keys; "" for those that are functions."""
    found = re.search(rf"^const {language} = \{{\n(.*?)^\}};", MODULES["words.js"], re.MULTILINE | re.DOTALL)
    assert found is not None
    without = re.sub(r"^\s*//.*$", "", found[1], flags=re.MULTILINE)
    return dict(_WORD.findall(without))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_what_there_is_and_uses_it(name: str) -> None:
    text = MODULES[name]
    assert len(text.splitlines()) <= MOST_LINES
    for names, target in re.findall(r'^import \{ ?([\w, ]+?) ?\} from "([^"]+)";', text, re.MULTILINE):
        path = (STATIC / name).parent.joinpath(target).resolve().relative_to(STATIC).as_posix()
        missing = set(names.split(", ")) - exported(MODULES[path])
        assert not missing, f"{path} exports no {missing}"
        rest = re.sub(r"^import .*$", "", text, flags=re.MULTILINE)
        unused = [one for one in names.split(", ") if not re.search(rf"\b{re.escape(one)}\b", rest)]
        assert not unused


@pytest.mark.parametrize("name", MODULES)
def test_a_module_parses_no_html_and_runs_no_text(name: str) -> None:
    parses = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser"
    assert not re.search(rf"{parses}|\beval\(|new Function|setAttribute\(\"style\"", MODULES[name])
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s\"'`]+", MODULES[name])


def test_every_word_is_in_both_languages_with_the_same_values() -> None:
    english, chinese = words("ENGLISH"), words("TRADITIONAL")
    assert len(english) > 100 and english.keys() == chinese.keys()
    for key, text in english.items():
        if text and chinese[key]:
            values, those = (set(re.findall(r"\{\w+\}", one)) for one in (text, chinese[key]))
            assert values - {"{noun}"} == those - {"{noun}"}, key  # nouns of kinds are English


def test_every_word_that_is_said_is_there() -> None:
    english = words("ENGLISH")
    for name, text in MODULES.items():
        for key in re.findall(r'\bsay\(\s*"(\w+)"', text):
            assert key in english, f"{name} says {key}"


@pytest.mark.parametrize("language", ["ENGLISH", "TRADITIONAL"])
def test_commands_that_the_page_names_are_there(language: str) -> None:
    commands = {command.name: command for command in COMMANDS}
    told = " ; ".join(words(language).values())
    found = re.findall(r"(?:\b(?:with|by|run)|[:：用]) ?gankit ([a-z]+)((?: -{1,2}[\w-]+| [A-Z]+)*)", told)
    assert {command for command, _ in found} >= {"train", "watch", "sample"}
    for command, flags in found:
        assert command in commands
        known = {name for option in commands[command].params for name in [*option.opts, *option.secondary_opts]}
        assert set(re.findall(r"-{1,2}[\w-]+", flags)) <= known, f"{command} {flags}"


def test_what_logs_say_is_known_in_the_other_language() -> None:
    patterns = [
        re.compile(one, re.IGNORECASE) for one in re.findall(r"^  \[/(\^.+?\$)/i?, ", MODULES["said.js"], re.MULTILINE)
    ]
    data = torch.from_numpy(numpy_generator(0, "alarms").normal(size=(100, 2)))
    source = Path(loop.__file__).read_text()
    literal = " ".join(re.findall(r'^ +f?"(.*)"[,)]?$', source, re.MULTILINE))
    alarms = [
        loop._NOT_FINITE,
        *loop.collapse_alarm(data, data / 10),
        *loop.collapse_alarm(data, data[torch.arange(100) % 20]),
    ]
    for begin, end in (("D tells fakes", "--penalty-weight."), ("D has memorised", "bring more data.")):
        found = literal[literal.index(begin) :]
        alarms.append(re.sub(r"\{[^}]*\}", "51", found[: found.index(end) + len(end)].replace("  ", " ")))
    alarms += ["the held-out metric is nan: the fakes of this evaluation could not be judged."]
    assert len(alarms) == 6
    notes = [
        "the last steps were undone",
        "the best held-out metric so far: 0.1",
        "finished",
        "finished after 1 min 3 s",
    ]
    notes += ["the length was planned anew: 3,000 samples"]
    for text in [*alarms, *notes]:
        for part in filter(None, split_alarm(text)):
            assert any(pattern.search(part) for pattern in patterns), part
