"""Write constraints.txt from the packages installed beside this interpreter.

    python scripts/constraints.py            # rewrite constraints.txt
    python scripts/constraints.py --check    # exit 1 if it would change

Only what ``.``, ``.[test]``, ``.[docs]`` and ``.[dev]`` need is pinned, with everything those need
in turn, so that a tool someone happened to install does not become a requirement. Run it in an
environment whose tests pass; the file then says which versions passed.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "constraints.txt"
EXTRAS = ("test", "docs", "dev")
HEADER = """\
# The versions this project is tested with: pip install -c constraints.txt -e .
# Written by scripts/constraints.py; edit pyproject.toml and run that instead of editing this file.
"""


def direct_requirements() -> list[Requirement]:
    """Read pyproject.toml: the requirements of the package and of the pinned extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    extras = list(EXTRAS)
    for extra in extras:  # grows while it is read: an extra may name others
        lines += project["optional-dependencies"][extra]
        own = [one for one in map(Requirement, lines) if one.name == project["name"]]
        extras += [name for one in own for name in sorted(one.extras) if name not in extras]
    return [one for one in map(Requirement, lines) if one.name != project["name"]]


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Installed version of every distribution reachable from ``requirements``."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [(req, "") for req in requirements]
    while todo:
        req, extra = todo.pop()
        if req.marker and not req.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(req.name)
        key = (name, frozenset(req.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            dist = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise SystemExit(f"{req} is not installed here; install .[test,dev] first") from None
        # "+cpu" and the like name a build: a pin with one would not resolve elsewhere.
        pins[name] = Version(dist.version).public
        for line in dist.requires or []:
            for wanted in ("", *req.extras):
                todo.append((Requirement(line), wanted))
    return pins


def main() -> None:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare, exit 1 on a difference")
    check = parser.parse_args().check
    pins = closure(direct_requirements())
    text = HEADER + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins))
    if check:
        if TARGET.read_text() != text:
            sys.exit("constraints.txt differs from what is installed: run scripts/constraints.py")
        return
    TARGET.write_text(text)
    print(f"{TARGET.name}: {len(pins)} versions pinned")


if __name__ == "__main__":
    main()
