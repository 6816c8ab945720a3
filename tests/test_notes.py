"""The journals' sentences: every one that is written exists, and reads in every language."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from camtrace import assets, i18n
from camtrace.errors import FAILURE_KINDS
from camtrace.model import JOURNAL_KINDS, JournalEntry
from camtrace.notes import TEXTS, words

PACKAGE = Path(__file__).resolve().parent.parent / "camtrace"


@cache
def written() -> set[str]:
    """The keys that stand as second argument of a call of something named note."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                second = node.args[1]
                first = node.args[0]
                is_kind = isinstance(first, ast.Constant) and first.value in JOURNAL_KINDS
                if name.strip("_") == "note" and is_kind and isinstance(second, ast.Constant):
                    found.add(second.value)
    return found


def test_every_key_has_a_sentence() -> None:
    """What is noted somewhere can be read; a camera's failure of any kind too."""
    assert written() <= set(TEXTS), written() - set(TEXTS)
    assert len(written()) > 8
    assert {f"camera_lost_{kind}" for kind in FAILURE_KINDS} <= set(TEXTS)


def test_every_language() -> None:
    """A translation keeps the braces of its sentence."""
    for language, spoken in i18n.load(assets.web() / "locale").items():
        for key, sentence in TEXTS.items():
            translated = spoken.gettext(sentence)
            assert sorted(re.findall(r"{\w+}", translated)) == sorted(re.findall(r"{\w+}", sentence)), (language, key)
            assert language == "en" or translated != sentence, (language, key)


def test_entries_of_another_version() -> None:
    """An entry whose key or values are not known is shown raw, never not at all."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    spoken = i18n.Translations("en")
    known = JournalEntry(id=1, at=at, kind="system", text="volume_back", values={"volume": "/mnt/a"})
    assert words(known, spoken) == "The disk /mnt/a is back."
    lacking = JournalEntry(id=1, at=at, kind="system", text="volume_back", values={"disk": "a"})
    assert "'disk': 'a'" in words(lacking, spoken)
    strange = JournalEntry(id=1, at=at, kind="system", text="of_tomorrow", values={})
    assert words(strange, spoken) == "of_tomorrow"
