"""A run as one page in one file, to send on: the page's own modules, styles and data in it, and nothing else is loaded.

Knows the static files of the page, curves and previews; never a server. How modules become one script: `modules.json`
lists them in the order of their dependence, each imports with single lines `import {a, b} from "./x.js";`, exports
functions, constants and classes where they are declared, and no two declare the same name; so the imports and the word
`export` are taken away, and what is left is joined.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gankit.errors import OutputError
from gankit.web.folders.curves import curves
from gankit.web.folders.previews import REAL, about_of, listing, preview, surface
from gankit.web.folders.runs import NotFoundError, Runs, within
from gankit.web.folders.summary import details
from gankit.web.plain import as_json

STATIC = Path(__file__).parent / "static"
"""The files of the page."""

MOST_BYTES = 5_000_000
"""Bytes of a replay."""

LEARN = "learn/"
"""Modules that a replay leaves out: the page loads them when they are asked for."""

POINTS, ENOUGH, LEVELS = 2000, 24, 7
"""Points of a curve; previews with which a time bar is worth dragging; times that a preview may be made smaller."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\.{1,2}/[\w./-]+\.js";?[ \t]*\n?', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function\b|const\b|let\b|class\b)", re.MULTILINE)
_STYLE = re.compile(r'[ \t]*<link rel="stylesheet" href="/static/([\w./-]+)"\s*/?>\n?')
_LINK = re.compile(r"[ \t]*<link [^>]*>\n?")
_SCRIPT = re.compile(r'[ \t]*<script type="module" src="/static/[\w./-]+"></script>\n?')


def replay(name: str, run: Path, runs: Runs, static: Path = STATIC) -> bytes:
    """The page of a run, HTML. Previews are thinned until it fits; the first, the best and the last stay.

    Raises:
        NotFoundError: the run is gone. OutputError: the files of the page are not as they should be.
    """
    styles, script, page = _page_of(static)
    log = runs.log(run)
    with log.lock:
        drawn = curves(log, POINTS)
    told = _without_paths(details(name, run, log), run)
    fixed = len(page) + len(script) + len(styles) + len(as_json([told, drawn])) + 20_000
    kept = _previews(run, told["metric"]["best_samples"], MOST_BYTES - fixed)
    data = as_json({"summary": told, "curves": drawn, **kept}).decode()
    # what ends a script is written otherwise; in JSON every sign may be
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(styles)}; img-src data: blob:; "
        "media-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{styles}</style>\n'
    body = f'<script type="application/json">{data}</script>\n<script type="module">{script}</script>\n'
    before, found, after = page.partition("</head>")
    if not found or "</body>" not in after:
        raise OutputError("the page of gankit has no head or no body. Install gankit again.")
    begin, _, end = after.rpartition("</body>")
    return f"{before}{head}</head>{begin}{body}</body>{end}".encode("utf-8", "replace")


def _page_of(static: Path) -> tuple[str, str, str]:
    """The styles, the script, and the HTML of the page without them."""
    try:
        page = (static / "index.html").read_text("utf-8")
        styles = "\n".join(within(static, file).read_text("utf-8") for file in _STYLE.findall(page))
        names = [name for name in json.loads((static / "modules.json").read_bytes()) if not str(name).startswith(LEARN)]
        modules = [within(static, file).read_text("utf-8") for file in names]
    except (OSError, ValueError, TypeError, NotFoundError) as error:
        raise OutputError(f"the page of gankit is not whole ({error}). Install gankit again.") from None
    script = "\n".join(_EXPORT.sub("", _IMPORT.sub("", module)) for module in modules)
    page = _SCRIPT.sub("", _LINK.sub("", _STYLE.sub("", page)))
    return styles.replace("</", "<\\/"), "\n" + script.replace("</script", "<\\/script"), page


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _without_paths(told: dict[str, Any], run: Path) -> dict[str, Any]:
    """A run's details without where its files lie on this machine."""
    paths = [told["source"], told["options"].get("heldout"), str(run), *told["options"].get("log", ())]

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            for path in paths:
                value = value.replace(path, Path(path).name) if path else value
            return value
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return {key: plain(inner) for key, inner in value.items()} if isinstance(value, dict) else value

    return {key: plain(value) for key, value in told.items()} | {"source": None}


def _previews(run: Path, best: int | None, room: int) -> dict[str, Any]:
    """The previews, their records and surfaces, thinned and made smaller until they take at most `room` bytes."""
    found = listing(run, best)
    steps: list[dict[str, Any]] = found["steps"]
    always = {i for i, s in enumerate(steps) if s["samples"] == best} | ({0, len(steps) - 1} if steps else set())
    chosen: list[int] = []
    packed: dict[str, str] = {}
    surfaces = {s["samples"]: _packed(surface, run, s["samples"]) for s in steps if s["surface"]}
    for level in range(LEVELS):
        names = [str(s["samples"]) for s in steps]
        packed = {n: _packed(_record, run, n, level) for n in [*names, *([REAL] if found["real"] else [])]}
        sizes = [len(packed[n]) + len(surfaces.get(int(n), "")) + 80 for n in names]
        left = room - len(packed.get(REAL, ""))
        for stride in (2**k for k in range(len(steps).bit_length() + 1)):
            chosen = [i for i in range(len(steps)) if i % stride == 0 or i in always]
            if sum(sizes[i] for i in chosen) <= left:
                break
        if sum(sizes[i] for i in chosen) <= left and len(chosen) >= min(ENOUGH, len(steps)):
            break
    kept = [steps[i] for i in chosen if packed[str(steps[i]["samples"])]]
    names = [str(s["samples"]) for s in kept] + ([REAL] if packed.get(REAL) else [])
    return {
        "previews": {**found, "steps": [{**s, "model": False} for s in kept], "real": REAL in names},
        "records": {n: json.loads(packed[n]) for n in names},
        "surfaces": {str(s["samples"]): json.loads(surfaces[s["samples"]]) for s in kept if surfaces.get(s["samples"])},
    }


def _packed(made: Callable[..., Any], *of: Any) -> str:
    """What a function gives as JSON; "" where there is nothing, or it cannot be read."""
    try:
        return as_json(made(*of)).decode()
    except NotFoundError:
        return ""


def _record(run: Path, which: str, level: int) -> str | Mapping[str, Any]:
    """A preview as it is embedded, at a level of smallness: images as an address of data, half as many at each level
    from the second on, from the first on as JPEG; of other records half as many at each.
    """
    found = preview(run, which if which == REAL else int(which))
    if isinstance(found, bytes):
        return _sheet(found, about_of(run).get("shape"), level)
    share = 2**level
    kept = ("columns", "broken")
    less = {key: v if key in kept else _share(v, share) for key, v in found.items() if key != "numbers"}
    numbers = {name: _share(v, share) for name, v in found.get("numbers", {}).items()}
    return less | ({"numbers": numbers} if numbers else {})


def _share(of: list[Any], share: int) -> list[Any]:
    return of[: max(len(of) // share, 1)]


def _sheet(content: bytes, shape: Any, level: int) -> str:
    from PIL import Image, UnidentifiedImageError

    if level == 0:
        return f"data:image/png;base64,{base64.b64encode(content).decode()}"
    try:
        sheet: Image.Image = Image.open(io.BytesIO(content), formats=["PNG"])
        sheet.load()
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise NotFoundError(f"a preview cannot be read ({error}).") from None
    if isinstance(shape, list) and len(shape) == 3 and isinstance(tile := shape[1], int) and tile > 0:
        lines = max(round((sheet.height + 1) / (tile + 1)) >> (level - 1), 1)
        sheet = sheet.crop((0, 0, sheet.width, min(lines * (tile + 1) - 1, sheet.height)))
    stream = io.BytesIO()
    sheet.convert("L" if sheet.mode in ("L", "LA") else "RGB").save(stream, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
