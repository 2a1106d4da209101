"""The plan of the house, held against its code: who may import whom, who may print, and what nobody may do."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "gankit"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 800

PLAN = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Who may import whom", 1)[1]
# Each module's room, and the rooms it may import: the table in docs/architecture.md.
MAY_IMPORT: dict[str, set[str]] = {
    room: set(re.findall(r"`([\w/]+)`", below))
    for room, below in re.findall(r"^\| `([\w/]+)` \| (.*) \|$", PLAN.split("\n## ", 1)[0], re.MULTILINE)
}
REGISTRY = ("__init__",)  # of kinds: what knows every kind

# Libraries that a room must never import, beside what the rooms above forbid.
NEVER: dict[str, set[str]] = {
    "io": {"torch", "sklearn", "click"},
    "columns": {"torch", "click"},
    "options": {"torch", "pyarrow", "sklearn"},
    "config": {"torch", "pyarrow", "sklearn"},
    "budget": {"torch", "pyarrow", "sklearn"},
    "networks": {"pyarrow", "pandas", "polars", "sklearn", "click"},
    "training": {"pyarrow", "pandas", "polars", "sklearn", "click"},
    "metrics": {"torch", "click"},
    "report": {"torch", "click"},
    "web": {"torch", "click"},
}


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    if inside.parts[0] == "kinds":
        if len(inside.parts) > 2:
            return f"kinds/{inside.parts[1]}"
        return "kinds" if inside.stem in REGISTRY else "kinds/base"
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def room_of_name(name: str) -> str | None:
    """The room of an imported name, `gankit.kinds.images.codec.ImageCodec`; None for names of the package itself."""
    parts = name.split(".")
    if parts[0] != "gankit" or len(parts) < 2:
        return None
    path = PACKAGE
    for part in parts[1:]:
        if (path / part).is_dir():
            path = path / part
        elif (path / f"{part}.py").is_file():
            return room_of(path / f"{part}.py")
        else:
            break
    return None if path == PACKAGE else room_of(path / "__init__.py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Of the kinds of node that the tests look for, those anywhere in the module."""
    wanted = (ast.Import, ast.ImportFrom, ast.Name, ast.Attribute, ast.Call, ast.With, ast.FunctionDef)
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, wanted)]


@cache
def text_of(node: ast.AST) -> str:
    """The code of what is called."""
    return ast.unparse(node)


@cache
def imports_of(path: Path) -> list[tuple[int, str]]:
    """Line and full name of everything that is imported, anywhere in the module."""
    found = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path, node.lineno)}: relative import; write the full name"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_room_is_in_the_plan() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= set(MAY_IMPORT), f"rooms without a line in the plan: {sorted(rooms - set(MAY_IMPORT))}"


def test_rooms_import_only_the_rooms_they_may_and_every_permission_is_used() -> None:
    wrong, used = [], set()
    for path in MODULES:
        room = room_of(path)
        if room in ("__init__", "__main__"):
            continue
        for line, name in imports_of(path):
            other = room_of_name(name)
            if other in (None, room):
                continue
            used.add((room, other))
            if other not in MAY_IMPORT[room]:
                wrong.append(f"{place(path, line)}: {room} must not import {other}")
    unused = {(room, other) for room, below in MAY_IMPORT.items() for other in below} - used
    wrong += [f"docs/architecture.md: {room} may import {other} and does not" for room, other in sorted(unused)]
    assert not wrong, "\n".join(wrong)


def test_only_kinds_know_single_kinds() -> None:
    single = {f"kinds/{folder.name}" for folder in (PACKAGE / "kinds").iterdir() if (folder / "kind.py").is_file()}
    knowing = {room for room, below in MAY_IMPORT.items() if below & single}
    assert single and knowing <= {"kinds", *single}


KIND_NAMES = "number|vector|table|image|audio|series|text"


def test_no_module_asks_for_a_class_or_a_name_of_a_kind_or_a_network() -> None:
    classes = re.compile(r"isinstance\([^)]*(Part|Codec|Generator|Discriminator|Kind)\b")
    names = re.compile(rf"\bkind(\.name)? (==|!=|in|not in) \(?\"({KIND_NAMES})\"")
    wrong = []
    for path in MODULES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if classes.search(line):
                wrong.append(f"{place(path, number)}: asks for a class; let the object state what it can do")
            if names.search(line) and not room_of(path).startswith("kinds"):
                wrong.append(f"{place(path, number)}: compares a kind's name; let the kind state its facts")
    assert not wrong, "\n".join(wrong)


def test_rooms_keep_away_from_the_libraries_they_must_never_know() -> None:
    wrong = [
        f"{place(path, line)}: {room_of(path)} must not import {name.split('.')[0]}"
        for path in MODULES
        for line, name in imports_of(path)
        if name.split(".")[0] in NEVER.get(room_of(path), set())
    ]
    assert not wrong, "\n".join(wrong)


OPTIONAL = {"pandas", "polars", "soundfile", "onnx", "onnxscript", "imageio_ffmpeg", "torch_fidelity"}
OPTIONAL |= {"tensorboard", "mlflow", "wandb"}


def test_libraries_of_extras_are_imported_where_they_are_used() -> None:
    wrong = []
    for path in MODULES:
        for node in tree_of(path).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{place(path, node.lineno)}: imports {n} at once" for n in names if n.split(".")[0] in OPTIONAL]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_and_its_voice_print() -> None:
    wrong = [
        f"{place(path, node.lineno)}: prints"
        for path in MODULES
        if room_of(path) not in ("cli", "voice")
        for node in nodes_of(path)
        if (isinstance(node, ast.Name) and node.id == "print")
        or (
            isinstance(node, ast.Attribute)
            and node.attr == "write"
            and ast.unparse(node) in ("sys.stdout.write", "sys.stderr.write")
        )
    ]
    assert not wrong, "\n".join(wrong)


FORBIDDEN_CALLS = (
    (r"(^|\.)(pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\.", "pickles"),
    (r"^torch\.(load|save)$", "uses torch's pickles"),
    (r"^(np|numpy)\.random\.(?!Generator\b|default_rng\b|PCG64\b|SeedSequence\b)", "uses NumPy's global generator"),
    (r"^torch\.(manual_seed|seed|cuda\.manual_seed(_all)?|random\..*)$", "seeds torch's global generator"),
    (r"^random\.", "uses Python's global generator"),
    (r"^(eval|exec)$", "runs text as code"),
)


UNKEYED = {"randomness.py", "kinds/audio/codec.py"}  # what makes generators; phases that are the same for ever


def test_every_draw_of_numpy_is_keyed() -> None:
    wrong = [
        f"{place(path, node.lineno)}: draws from an unkeyed generator; take gankit.randomness"
        for path in MODULES
        if str(path.relative_to(PACKAGE)) not in UNKEYED
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and text_of(node.func).endswith("default_rng")
    ]
    assert not wrong, "\n".join(wrong)


def forked_lines(path: Path) -> set[int]:
    """Lines within `with torch.random.fork_rng(...)`, which gives the global generator back as it was."""
    return {
        line
        for node in nodes_of(path)
        if isinstance(node, ast.With) and "fork_rng" in ast.unparse(node.items[0].context_expr)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def test_nothing_pickles_or_leaves_a_global_generator_changed() -> None:
    wrong = []
    for path in MODULES:
        forked = forked_lines(path)
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and node.lineno not in forked:
                called = text_of(node.func)
                wrong += [
                    f"{place(path, node.lineno)}: {called} {why}"
                    for pattern, why in FORBIDDEN_CALLS
                    if re.search(pattern, called)
                ]
        for line, name in imports_of(path):
            if name.split(".")[0] in ("pickle", "dill", "cloudpickle", "shelve", "marshal", "random"):
                wrong.append(f"{place(path, line)}: imports {name}")
    assert not wrong, "\n".join(wrong)


TORCH_DRAWS = {
    "rand",
    "randn",
    "randint",
    "randperm",
    "normal",
    "bernoulli",
    "multinomial",
    "poisson",
    "empty_like_random",
}


def constructor_lines(path: Path) -> set[int]:
    """Lines of the constructors of networks, which `networks.build` calls within a fork of the global generator."""
    return {
        line
        for node in nodes_of(path)
        if room_of(path) == "networks" and isinstance(node, ast.FunctionDef) and node.name == "__init__"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def test_every_draw_of_torch_names_its_generator() -> None:
    wrong = []
    for path in MODULES:
        within = constructor_lines(path)
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.lineno not in within:
                called = text_of(node.func)
                named = any(keyword.arg == "generator" for keyword in node.keywords)
                if called.startswith("torch.") and called.split(".")[-1] in TORCH_DRAWS and not named:
                    wrong.append(f"{place(path, node.lineno)}: {called} without a generator")
                if called.split(".")[-1] in ("rand_like", "randn_like", "dropout", "Dropout"):
                    wrong.append(f"{place(path, node.lineno)}: {called} draws from the global generator")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_small_and_open_with_what_they_know(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= MAX_LINES, f"{place(path, lines)}: {lines} lines; more than one idea in it?"
    if path.name not in ("__init__.py", "__main__.py"):
        opening = ast.get_docstring(tree_of(path)) or ""
        assert re.search(r"\b[Kk]nows\b", opening), f"{place(path, 1)}: the docstring must say what the module knows"


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[int, str, str | None]]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.lineno, prefix + node.name, ast.get_docstring(node)
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body, f"{node.name}.")


def test_everything_public_has_a_docstring() -> None:
    wrong = [
        f"{place(path, line)}: {name} has no docstring"
        for path in MODULES
        for line, name, text in public_definitions(tree_of(path).body)
        if not text
    ]
    assert not wrong, "\n".join(wrong)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_every_tracked_file_is_text_or_a_small_image() -> None:
    wrong = []
    for path in tracked_files():
        data = path.read_bytes()
        if len(data) > 200_000 or (b"\0" in data and path.suffix not in (".png", ".jpg")):
            wrong.append(f"{path.relative_to(ROOT)}: {len(data):,} bytes, no text and no small image")
    assert not wrong, "\n".join(wrong)


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    # Written in parts, so that this file does not name one itself.
    pattern = re.compile(
        "|".join(["/wo" + "rk/", "/ho" + "me/[a-z]", "/Us" + "ers/[A-Za-z]", "/ro" + r"ot/\.", "/t" + "mp/v/"])
    )
    wrong = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if found := pattern.search(line):
                wrong.append(f"{place(path, number)}: {found[0]}")
    assert not wrong, "\n".join(wrong)
