"""Every library that setup.py asks for has its reason in docs/dependencies.md, and no other has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def asked_for() -> set[str]:
    """The distributions of install_requires and of every extra."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    call = next(
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    values = {keyword.arg: keyword.value for keyword in call.keywords}
    wanted = ast.literal_eval(values["install_requires"])
    for extra in ast.literal_eval(values["extras_require"]).values():
        wanted += extra
    return {name_of(requirement) for requirement in wanted}


def name_of(requirement: str) -> str:
    """The normalised name in front of extras and versions."""
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def explained() -> dict[str, str]:
    """Name to reason, of the tables of libraries."""
    text = (ROOT / "docs/dependencies.md").read_text().partition("## From the system")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {name_of(name): reason.strip() for name, reason in rows if name not in ("library", "---")}


def test_every_library_is_explained() -> None:
    """Names agree both ways, and each reason says something."""
    reasons = explained()
    assert set(reasons) == asked_for()
    assert all(len(reason) > 8 for reason in reasons.values())
