"""Where web/ and etc/ lie, from a checkout or an installed wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def web() -> Path:
    """The folder that holds `templates/`, `static/` and `locale/`."""
    return _pick("web_assets", "web")


def etc() -> Path:
    """The folder that holds `camtrace.toml` and the service files."""
    return _pick("etc", "etc")


def _pick(installed: str, checkout: str) -> Path:
    inside = _HERE / installed
    return inside if inside.is_dir() else _HERE.parent / checkout
