"""Build the documentation: ``python -m sphinx -W -b html docs docs/_build/html``, offline.

Pages are the Markdown files beside this one. What is made from elsewhere is written into
``docs/_made`` first: the README as the first page, the notebooks, the reference from docstrings,
and the gallery, for which every example is run.
"""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from gallery import write_gallery  # noqa: E402
from tutorials import write_tutorials  # noqa: E402

import dnabert2_explore as dx  # noqa: E402
from dnabert2_explore.results.plain import JsonFields  # noqa: E402
from dnabert2_explore.training.configuration import Settings  # noqa: E402

STATIC = HERE / "_made" / "static"
STATIC.mkdir(parents=True, exist_ok=True)

project = "dnabert2_explore"
author = "the dnabert2_explore authors"
version = release = dx.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_made/executed", "_made/static"]
html_theme = "furo"
html_title = f"dnabert2_explore {release}"
html_static_path = ["_static", "_made/static"]
html_js_files = [("figures.js", {"defer": "defer"})]
html_css_files = ["gallery.css"]
html_show_copyright = False
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Two titles of one page may say the same (a notebook's, a changelog's).
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "toc.empty_glob"]

_LINK = re.compile(r"(?<!\!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def _linked(text: str, folder: Path, page: Path) -> str:
    """Point links of a file at pages of the site; what is no page stays as words and a path."""

    def turned(found: re.Match[str]) -> str:
        words, path, place = found.group(1), found.group(2), found.group(3) or ""
        if "://" in path or path.startswith("mailto:"):
            return found.group(0)
        target = (folder / path).resolve()
        if target.suffix == ".md" and target.parent == HERE:
            return f"[{words}](/{target.name}{place})"
        if target == ROOT / "README.md":
            return f"[{words}](/_made/start.md{place})"
        if target == ROOT / "CHANGELOG.md":
            return f"[{words}](/_made/changelog.md)"
        if target.name == "MODEL_CARD.md":
            return f"[{words}](/_made/{target.parent.name}.md)"
        try:
            inside = target.relative_to(ROOT)
        except ValueError:
            return words
        return words if words.strip("`") == str(inside) else f"{words} (`{inside}`)"

    text = _LINK.sub(turned, text)
    return re.sub(r"!\[([^\]]*)\]\((?!/|\w+:)([^)]+)\)", lambda m: _picture(m, folder), text)


def _picture(found: re.Match[str], folder: Path) -> str:
    target = (folder / found.group(2)).resolve()
    return f"![{found.group(1)}](/{target.relative_to(HERE)})"


def _write(name: str, text: str) -> None:
    path = HERE / "_made" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _make(app: object) -> None:
    """Write what is made from elsewhere."""
    for name, path in {"start": "README.md", "changelog": "CHANGELOG.md"}.items():
        source = ROOT / path
        text = source.read_text(encoding="utf-8").replace("```python no-run", "```python")
        _write(f"{name}.md", _linked(text, source.parent, source))
    for card in sorted((ROOT / "dnabert2_explore/models").glob("*/MODEL_CARD.md")):
        text = card.read_text(encoding="utf-8")
        _write(f"{card.parent.name}.md", _linked(text, card.parent, card))
    write_tutorials(HERE / "_made" / "tutorials")
    library = find_spec("plotly")
    assert library is not None
    assert library.origin is not None
    shutil.copy(Path(library.origin).parent / "package_data" / "plotly.min.js", STATIC)
    _reference()
    write_gallery(HERE / "_made" / "gallery.md")


GROUPS = {
    "Load, read, cut into tokens": "encoder network sequences tokens demo stores errors version",
    "Look and explain": "analysis figures",
    "Train and score": "training",
    "Widgets": "widgets",
    "Keep and make again": "results again",
}


def _room(name: str) -> str:
    """Say in which room of the package a public name stands."""
    thing = getattr(dx, name)
    home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "")
    return home.split(".")[1] if home else "version" if name == "__version__" else "encoder"


def _reference() -> None:
    """Write a page for each group of public names, each name with its docstring."""
    pages, left = [], set(dx.__all__)
    for title, rooms in GROUPS.items():
        names = [name for name in sorted(dx.__all__, key=str.lower) if _room(name) in rooms.split()]
        left -= set(names)
        lines = [title, "=" * len(title), ""]
        for name in names:
            thing = getattr(dx, name)
            if inspect.isclass(thing):
                kind, more = "autoclass", ["   :members:"]
                if issubclass(thing, JsonFields | Settings):  # whose methods are for users too
                    more.append("   :inherited-members: RichDisplay")
            elif inspect.ismodule(thing):
                others = ", ".join(sorted(set(dx.__all__) & set(thing.__all__)))
                kind, more = "automodule", ["   :members:", f"   :exclude-members: {others}"]
            elif callable(thing):
                kind, more = "autofunction", []
            else:
                kind, more = "autodata", []
            full = thing.__name__ if kind == "automodule" else f"dnabert2_explore.{name}"
            lines += [name, "-" * len(name), "", f".. {kind}:: {full}", *more, ""]
        page = title.lower().replace(",", "").replace(" ", "-")
        pages.append(page)
        _write(f"reference/{page}.rst", "\n".join(lines))
    if left:
        raise ValueError(f"GROUPS has no page for {', '.join(sorted(left))}: add their rooms.")
    text = "# Reference\n\nEvery public name, from its docstring.\n\n```{toctree}\n"
    _write("reference/index.md", text + "\n".join(pages) + "\n```\n")


def _read(app: object, name: str, content: list[str]) -> None:
    path = HERE / f"{name}.md"
    if path.is_file() and path.parent == HERE:
        content[0] = _linked(content[0], HERE, path)


def setup(app: object) -> None:
    """Connect what is made with Sphinx."""
    app.connect("builder-inited", _make)  # type: ignore[attr-defined]
    app.connect("source-read", _read)  # type: ignore[attr-defined]
