"""The documentation as a site: it builds without a warning, loads nothing from elsewhere, leaves out nothing."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

import gankit

ROOT = Path(__file__).resolve().parent.parent

pytest.importorskip("sphinx")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site; built as `scripts/docs` does."""
    out = tmp_path_factory.mktemp("docs")
    (line,) = re.findall(r"-m (sphinx .*?) \. ", (ROOT / "scripts/docs").read_text())
    command = [sys.executable, "-m", *line.replace("build/doctrees", f"{out}/doctrees").split(), ".", f"{out}/site"]
    plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # notebooks show figures
    environment = {**plain, "PYTHONPATH": str(ROOT / "src")}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0 and "--fail-on-warning" in command, built.stderr
    return out / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, html.HtmlElement]:
    """Every page of the site, parsed."""
    found = {path: html.fromstring(path.read_bytes()) for path in sorted(site.rglob("*.html"))}
    assert len(found) > 40
    return found


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, html.HtmlElement]) -> None:
    loaded = [
        (page.name, str(address))
        for page, tree in pages.items()
        for address in tree.xpath("//link/@href | //*[not(self::a)]/@src | //*/@srcset | //object/@data | //*/@poster")
    ]
    styles = {page.name: page.read_text() for page in [*site.rglob("*.css"), *pages]}
    for name, text in styles.items():
        loaded += [(name, found) for found in re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", text)]
    assert len(loaded) > 200
    assert [place for place in loaded if re.match(r"\s*(https?:)?//", place[1])] == []


def test_every_link_within_the_site_leads_to_a_place(site: Path, pages: dict[Path, html.HtmlElement]) -> None:
    places = {page: {*tree.xpath("//@id"), *tree.xpath("//a/@name")} for page, tree in pages.items()}
    wrong, seen = [], 0
    for page, tree in pages.items():
        for address in set(tree.xpath("//a/@href")):
            link = urlsplit(address)
            if link.scheme or link.netloc:
                continue
            seen += 1
            target = (page.parent / unquote(link.path)).resolve() if link.path else page
            fragment = unquote(link.fragment)
            if not target.is_file() or (fragment and target in places and fragment not in places[target]):
                wrong.append(f"{page.relative_to(site)}: {address}")
    assert seen > 1000 and wrong == []


def test_every_page_of_the_docs_is_in_the_table_of_contents(site: Path, pages: dict[Path, html.HtmlElement]) -> None:
    start = site / "docs/index.html"
    tree = pages[start].xpath("//div[contains(@class, 'sidebar-tree')]//a[contains(@class, 'reference')]/@href")
    listed = {(start.parent / urlsplit(address).path).resolve() for address in tree}
    sources = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb"), *ROOT.glob("README*.md")]
    built = {(site / path.relative_to(ROOT)).with_suffix(".html") for path in sources}
    assert len(built) > 25 and built - listed == {start}


def test_every_notebook_was_run(pages: dict[Path, html.HtmlElement]) -> None:
    books = {page.stem: tree for page, tree in pages.items() if page.parent.name == "notebooks"}
    assert {*books} >= {"tables", "images", "series", "step-by-step"}
    for name, tree in books.items():
        outputs = tree.xpath("//*[contains(@class, 'cell_output')]")
        assert len(outputs) > 3, name
        assert not any(re.search(r"Warning\b", output.text_content()) for output in outputs), name
    assert all(books[name].xpath("//*[contains(@class, 'cell_output')]//img") for name in ("images", "step-by-step"))


def test_every_public_name_is_in_the_reference_from_its_docstring(pages: dict[Path, html.HtmlElement]) -> None:
    (reference,) = [tree for page, tree in pages.items() if page.as_posix().endswith("reference/api.html")]
    assert {f"gankit.{name}" for name in gankit.__all__} <= set(reference.xpath("//dt/@id"))
    text = " ".join(reference.xpath("string(//dt[@id='gankit.Model.sample']/following-sibling::dd)").split())
    assert "synthetic records in the form of the training data" in text
    assert "How every" not in text and "truncation" in text


def test_the_reference_has_a_line_for_each_parameter(pages: dict[Path, html.HtmlElement]) -> None:
    (reference,) = [tree for page, tree in pages.items() if page.as_posix().endswith("reference/api.html")]
    names = reference.xpath("//dl[contains(@class, 'field-list')]//strong/text()")
    assert len(names) > 200 and [name for name in names if not re.fullmatch(r"\w+(/\u200b\w+)*", name)] == []
    assert {"d_loss/\u200bg_loss/\u200bpenalty/\u200bgap", "folder", "total_samples"} <= set(names)
    shown = {str(name) for name in reference.xpath("//dt/@id")}
    assert "gankit.sklearn.GANSampler.classes_" in shown and not [name for name in shown if "\\" in name]
    assert "str(object" not in reference.text_content()


def test_every_name_that_an_example_imports_is_in_the_reference(pages: dict[Path, html.HtmlElement]) -> None:
    known = {name for page, tree in pages.items() if "reference" in page.parts for name in tree.xpath("//dt/@id")}
    names = set()
    for path in (ROOT / "docs").rglob("*.md"):
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gankit"):
                    names |= {(node.module, found.name) for found in node.names}
    assert len(names) > 30
    missing = []
    for module, name in sorted(names):
        made_in = getattr(getattr(importlib.import_module(module), name), "__module__", module)
        if not {f"{made_in}.{name}", f"{module}.{name}", f"gankit.{name}"} & known:
            missing.append(f"{module}.{name}")
    assert missing == []
