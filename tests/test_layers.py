"""Who may import what: the house's table, enforced on every module by reading its source."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "camtrace"

# the floor, top to bottom: each module imports only what stands above it
FLOOR = [
    "errors",
    "model",
    "cards",
    "events",
    "calendar",
    "clock",
    "backoff",
    "timetable",
    "peers",
    "turns",
    "window",
    "descriptors",
    "folders",
    "assets",
    "garbage",
    "i18n",
    "config_values",
    "config",
    "vault",
    "metrics",
    "pools",
    "bus",
    "challenge",
    "jpegtables",
    "factcode",
    "spool",
    "intake",
    "notes",
    "complaints",
    "overreach",
    "auth",
]
FEATURES = ["pos", "prisma", "alarm", "ftp", "rtsp", "tickets", "cameras", "recording", "keeping", "mail"]
PURE_NAMES = {"wire", "session", "sdp", "rtp", "grouping", "overlay", "rules", "retention", "compose", "dialect"}
# further pure files, by package
PURE_EXTRA = {
    "alarm": {"contacts", "links", "onvif"},
    "cameras": {"status", "models", "streams"},
    "rtsp": {"urls", "jpeg", "timeline"},
    "ftp": {"names", "picture", "guesses", "messages"},
    "pos": {"bursts", "check", "escpos", "framing", "guess", "objects", "patterns", "presets", "printed", "reading"},
    "recording": {"keyframes"},
    "tickets": {
        "articles",
        "tally",
        "roles",
        "keywords",
        "values",
        "query",
        "meaning",
        "questions",
        "deeds",
        "presets",
        "comparison",
        "sales",
        "fits",
        "follows",
        "numbers",
        "hits",
        "movements",
    },
    "prisma": {"catalogue", "receipts", "check"},
    "mail": {"settings"},
}
PURE_FLOOR = {"errors", "model", "cards", "events", "i18n", "jpegtables"}
OUTSIDE = {
    "floor": {"twisted", "argon2", "cryptography", "babel", "zope"},
    "store": {"twisted", "txpostgres", "psycopg2"},
    "media": {"av", "numpy", "cv2", "PIL"},  # and a little of Twisted, see allowed_outside
    "features": {"twisted", "treq", "zope"},
    "web": {"klein", "jinja2", "babel", "treq", "twisted", "werkzeug", "hyperlink", "zope", "markupsafe", "reportlab"},
    "demo": {"av", "numpy", "PIL", "twisted"},
    "cli": {"twisted"},
    "top": {"twisted", "zope"},
}
OUTSIDE_EXTRA = {
    "ftp": {"pyftpdlib"},
    "alarm": {"pymodbus", "defusedxml"},
    "cameras": {"defusedxml"},
    "mail": {"jinja2"},
}
PURE_OUTSIDE = {"patterns": {"re2"}, "onvif": {"defusedxml"}}
THREAD_CALLS = re.compile(r"\b(Thread|ThreadPool|deferToThread|callInThread|deferToThreadPool|ThreadPoolExecutor)\b")
TIME_CALLS = re.compile(r"\b(time\.time|time\.time_ns|datetime\.now|datetime\.utcnow|datetime\.today)\(")
SQL = re.compile(r"^\s*(select|with|insert into|update \w+ set|delete from|create|alter)\s", re.IGNORECASE)


@cache
def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if not {"web_assets", "etc"} & set(path.parts))


def modules_of(package: str) -> list[Path]:
    return [path for path in modules() if str(path.parent.relative_to(PACKAGE)) == package]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


# all modules of a package are one test: a thousand tests would take longer to be told than to be done
of_each_package = pytest.mark.parametrize(
    "package", sorted({str(path.parent.relative_to(PACKAGE)) for path in modules()})
)


def name_of(path: Path) -> list[str]:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def imports(path: Path) -> list[str]:
    """Every imported name, dotted, `from x import y` as x.y; those under TYPE_CHECKING too."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def is_pure(parts: list[str]) -> bool:
    if len(parts) == 1:
        return parts[0] == "calendar"
    return len(parts) == 2 and parts[0] in FEATURES and parts[1] in PURE_NAMES | PURE_EXTRA.get(parts[0], set())


def room(parts: list[str]) -> str:
    if parts[0] in FLOOR and (len(parts) == 1 or parts[0] == "model"):
        return "floor"
    if parts[0] in ("store", "media", "web", "demo"):
        return parts[0]
    if parts[0] in FEATURES:
        return "features"
    return "cli" if parts[0] in ("cli", "till_test") else "top"


def target(name: str) -> list[str] | None:
    """The module of ours that `name` means, as parts; None for outside names."""
    parts = name.split(".")
    if parts[0] != "camtrace":
        return None
    parts = parts[1:]
    while parts and not ((PACKAGE / Path(*parts)).with_suffix(".py").exists() or (PACKAGE / Path(*parts)).is_dir()):
        parts = parts[:-1]
    return parts


def allowed_inside(parts: list[str], wanted: list[str]) -> bool:
    """Whether module `parts` may import module `wanted` of ours."""
    where, there = room(parts), room(wanted)
    if is_pure(parts):
        if len(parts) == 1:
            return wanted[0] in PURE_FLOOR
        own_or_tickets = wanted[0] == parts[0] or (parts[0] in ("pos", "prisma") and wanted[0] == "tickets")
        return wanted[0] in PURE_FLOOR or (own_or_tickets and is_pure(wanted))
    if where == "floor":
        own = parts[0] == wanted[0] == "model"  # the one module of the floor with rooms of its own
        return there == "floor" and (own or FLOOR.index(wanted[0]) < FLOOR.index(parts[0]))
    if where == "top":
        return True
    if there == "floor" or wanted[0] == parts[0]:
        return True
    if where == "features":
        return parts[0] in ("pos", "prisma") and wanted[0] == "tickets" and is_pure(wanted)
    if where == "web":
        return there == "features" and is_pure(wanted)
    if where == "demo":
        return wanted[0] in ("rtsp", "pos", "prisma") and is_pure(wanted)
    if where == "cli":
        return wanted[0] in ("till_test", "store", "application", "demo") or (
            wanted[0] in ("pos", "prisma") and is_pure(wanted)
        )
    return False


def allowed_outside(parts: list[str], name: str) -> bool:
    top = name.split(".")[0]
    if top in sys.stdlib_module_names:
        return True
    if is_pure(parts):
        return top in PURE_OUTSIDE.get(parts[-1], set())
    where = room(parts)
    if where == "media":
        few = ("twisted.internet.defer", "twisted.logger", "twisted.python.failure")
        return top in OUTSIDE["media"] or name.startswith(few)
    return top in OUTSIDE[where] | OUTSIDE_EXTRA.get(parts[0], set())


@of_each_package
def test_imports(package: str) -> None:
    """Each import is one the house's table allows."""
    for path in modules_of(package):
        parts = name_of(path)
        for name in imports(path):
            wanted = target(name)
            if wanted is None:
                assert allowed_outside(parts, name), f"{'.'.join(parts)} may not import {name}"
            elif wanted and wanted != parts:
                if wanted[0] == "demo":
                    assert parts[0] in ("demo", "cli"), f"{'.'.join(parts)} may not know the demo"
                assert allowed_inside(parts, wanted), f"{'.'.join(parts)} may not import {'.'.join(wanted)}"


@of_each_package
def test_single_doors(package: str) -> None:
    """One module reads the time, one makes threads, one package speaks SQL, two know the global reactor."""
    for path in modules_of(package):
        parts = name_of(path)
        where = ".".join(parts)
        code = "\n".join(line.split("#")[0] for line in path.read_text().splitlines())
        if parts != ["clock"]:
            assert not TIME_CALLS.search(code), f"{where}: the time is read in clock.py only"
        if parts != ["pools"]:
            assert not THREAD_CALLS.search(code), f"{where}: threads are made in pools.py only"
        if parts not in (["tap"], ["cli"]) and parts[0] != "demo":
            assert "internet import reactor" not in code, f"{where}: the reactor is known to tap.py and cli.py only"
        if parts[0] != "store":
            docstrings = set(_docstrings(tree(path)))
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
                    is_sql = SQL.match(node.value) and " " in node.value.strip() and not _is_words(node.value)
                    assert not is_sql, f"{where}: {node.value}"


@of_each_package
def test_counts_are_not_read_before_they_are_awaited(package: str) -> None:
    """`self.n -= await …` takes `n` as it was before the waiting, and forgets what happened to it meanwhile."""
    for path in modules_of(package):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name):
                awaited = any(isinstance(part, ast.Await) for part in ast.walk(node.value))
                where = f"{'.'.join(name_of(path))}, line {node.lineno}"
                assert not awaited, f"{where}: await first, then change {ast.unparse(node.target)}"


def _docstrings(tree: ast.AST) -> list[str]:
    return [
        node.body[0].value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    ]


def _is_words(text: str) -> bool:
    """An ordinary sentence that happens to begin with one of SQL's verbs ("Create the first user")."""
    return not re.search(r"\b(from|values|table|index|set)\b", text, re.IGNORECASE)


def test_package_docstrings() -> None:
    """Every package says what it is for, and does nothing at import."""
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(tree(path)), f"{path} has no docstring"
        rest = [node for node in tree(path).body[1:] if not isinstance(node, ast.Assign | ast.ImportFrom)]
        assert not rest, f"{path} holds code"
