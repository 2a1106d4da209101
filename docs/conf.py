"""How Sphinx makes the site: pages as they lie in the project, the reference from docstrings. `scripts/docs` builds it.

The root of the project is the source folder, so that links between README, docs and benchmarks are the same on disk and
in the site. Knows nothing that a page says.
"""

from __future__ import annotations

import re
from typing import Any

import gankit

project, release = "gankit", gankit.__version__
root_doc = "docs/index"
include_patterns = ["README*.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"]
include_patterns += ["docs/notebooks/*.ipynb", "benchmarks/*.md"]
exclude_patterns = [".*", "src", "tests", "scripts", "build", "dist", "runs", "data"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
# Notebooks are kept without outputs, and run as the site is built.
nb_execution_mode, nb_execution_timeout, nb_execution_in_temp, nb_execution_raise_on_error = "force", 100, True, True
nb_merge_streams = True
highlight_language = "text"
nitpicky = True
# Types of signatures that no page describes: other packages', and what is not public.
nitpick_ignore_regex = [("py:.*", ".*")]

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_custom_sections = [("Options", "params_style")]
napoleon_use_rtype = False

html_theme = "furo"
html_title = "gankit"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["extra"]
html_show_sourcelink = html_copy_source = html_show_copyright = False
html_domain_indices = False


_ITEM = r"(?:[a-z]\w*|\w+Error)(?:, \w+)*: (?=\S)"
"""How a line of a docstring begins that says what a parameter, an attribute or an error is; several have one line."""


def apart(lines: list[str]) -> list[str]:
    """A line for each item, where one stands behind another in one line: `x: the one. y: the other.`"""
    found: list[str] = []
    indent: str | None = None
    for line in lines:
        begins = re.match(rf"( *){_ITEM}", line)
        indent = begins[1] if begins else indent if line.strip() else None
        first, *rest = re.split(rf"(?<=\.) (?={_ITEM})", line) if indent is not None else [line]
        found += [first, *(f"{indent}{other}" for other in rest)]
    return found


def escaped(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with code between backticks and lines `name: what it is`: these become parameters, and
    what else reStructuredText would read is escaped.
    """
    if name == "gankit.follow":  # its options are those of train, which stand above it
        del lines[lines.index("Options:") :]
    if what == "property":  # napoleon takes what stands before a colon for a type
        lines[0] = lines[0].replace(": ", " – ", 1)
    lines[:] = apart(lines)
    example = item = attributes = False
    for number, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>> "))
        if example:
            continue
        attributes = line == "Attributes:" or (attributes and line[:1] in ("", " "))
        head = line[: line.find(": ")] if attributes and re.match(rf" *{_ITEM}", line) else ""
        parts = re.split(r"(`[^`]*`)", line[len(head) :])
        parts[::2] = [re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        line = head + "".join(parts)
        if not head and (several := re.match(r" *\w+(?:, \w+)+(?=: \S)", line)):  # Sphinx would read `type name`
            line = several[0].replace(", ", "/\u200b") + line[several.end() :]
        named = re.sub(r"^([a-z][\w/\u200b]*): (?=\S)", r":param \1: ", line)
        item = bool(line.strip()) and (item or named != line)
        lines[number] = f"    {line}" if item and named == line else named


def public(app: Any, env: Any, node: Any, content: Any) -> Any:
    """The place of a public name that a signature has by the module that defines it."""
    name = node["reftarget"].rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in gankit.__all__:
        return None
    python = env.get_domain("py")
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", f"gankit.{name}", node, content)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escaped, priority=400)  # before napoleon makes reStructuredText of it
    app.connect("missing-reference", public)
