"""What a line may look like: a text, a text with wildcards, a regular expression. All match in linear time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from camtrace.errors import Invalid
from camtrace.i18n import N_

try:
    import re2
except ImportError:  # where there is no wheel: patterns that are no regular expressions still work
    re2 = None

MATCHES = ("exact", "wildcard", "regex")
Parts = Mapping[str, str]  # of a line, by name
_NOTHING: Parts = {}
_REGEX_MEMORY = 1 << 20


class Look(NamedTuple):
    """A line as patterns see it. `words`: of a receipt's line, what it says without its amount; the same as `text`
    elsewhere. `seen`, `seen_words`: these in the letters that are compared, small ones where capitals do not count.
    """

    text: str
    words: str
    seen: str
    seen_words: str


def look(text: str, words: str, case_sensitive: bool) -> Look:
    """The line `text` for patterns that heed capitals or do not."""
    if case_sensitive:
        return Look(text, words, text, words)
    seen = text.casefold()
    return Look(text, words, seen, seen if words is text else words.casefold())


@dataclass(frozen=True, slots=True)
class Pattern:
    """`exact`: the line, or its words, are this text; `wildcard`: `*` stands for any text, `?` for one character and
    `{ticket}` for a part of the line, which of a ticket has a digit; `regex`: it is found somewhere in the line.

    `means`: a letter or special word, for rules. `find` gives the parts that a line which fits names, else None.
    """

    match: str
    text: str
    means: str = ""
    find: Callable[[Look], Parts | None] = field(repr=False, compare=False, default=lambda line: None)


def first(patterns: tuple[Pattern, ...], line: Look) -> tuple[Pattern, Parts] | None:
    """The first of `patterns` that fits, and the parts it names."""
    for pattern in patterns:
        found = pattern.find(line)
        if found is not None:
            return pattern, found
    return None


def pattern(match: str, text: str, means: str, case_sensitive: bool, name: str, parts: Collection[str]) -> Pattern:
    """One of MATCHES for `text`, which may name `parts`. Raises Invalid, with the setting's `name`."""
    if match == "regex":
        return Pattern(match, text, means, _expression(text, case_sensitive, name, parts))
    wanted = text if case_sensitive else text.casefold()
    return Pattern(match, text, means, _exact(wanted) if match == "exact" else _wildcard(wanted, parts))


def _exact(wanted: str) -> Callable[[Look], Parts | None]:
    def find(line: Look) -> Parts | None:
        return _NOTHING if wanted in (line.seen, line.seen_words) else None

    return find


def _expression(text: str, case_sensitive: bool, name: str, parts: Collection[str]) -> Callable[[Look], Parts | None]:
    if re2 is None:
        raise Invalid(N_("{field}: regular expressions need the library google-re2, which is not installed here"), name)
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    try:
        expression = re2.compile(text, options)
    except re2.error as error:
        why = (
            error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        raise Invalid(N_("{field} is no regular expression: {why}"), name, why=why) from error
    for group in expression.groupindex:
        if group not in parts:
            raise Invalid(N_("{field} names {group}, which is no part of a line"), name, group=group)

    def find(line: Look) -> Parts | None:
        found = expression.search(line.text)
        return None if found is None else {key: value for key, value in found.groupdict().items() if value}

    return find


# ── wildcards ────────────────────────────────────────────────────────────────────────────────────────────────────


def _wildcard(wanted: str, parts: Collection[str]) -> Callable[[Look], Parts | None]:
    holes = re.split(rf"(\*|\{{(?:{'|'.join(map(re.escape, sorted(parts)))})\}})", wanted)
    pieces, gaps = holes[::2], [hole.strip("{}*") for hole in holes[1::2]]
    if any(gaps) or "?" in wanted:
        return _parted(pieces, gaps)
    if len(pieces) == 3 and not pieces[0] and not pieces[2]:  # *TOTAL*, as most are
        within = pieces[1]

        def holds(line: Look) -> Parts | None:
            return _NOTHING if within in line.seen else None

        return holds

    def find(line: Look) -> Parts | None:
        if _ends(pieces, line.seen_words) is None and _ends(pieces, line.seen) is None:
            return None
        return _NOTHING

    return find


def _parted(pieces: list[str], gaps: list[str]) -> Callable[[Look], Parts | None]:
    def find(line: Look) -> Parts | None:
        for seen, text in ((line.seen_words, line.words), (line.seen, line.text)):
            ends = _ends(pieces, seen, gaps)
            if ends is None:
                continue
            whole = text if len(text) == len(seen) else seen  # a letter that is two when it is small
            starts = [end - len(piece) for end, piece in zip(ends, pieces, strict=True)]
            held = zip(gaps, ends, starts[1:], strict=False)
            parts = {gap: value for gap, begin, stop in held if gap and (value := whole[begin:stop].strip())}
            if "ticket" not in gaps or any(map(str.isdigit, parts.get("ticket", ""))):
                return parts
        return None

    return find


def fits(wanted: str, text: str) -> bool:
    """Whether `text` is as `wanted` with `*` and `?` says, in time proportional to both lengths at most."""
    return _ends(wanted.split("*"), text) is not None


def _ends(pieces: list[str], text: str, gaps: list[str] | None = None) -> list[int] | None:
    """Where each of `pieces` ends in `text`, anything between them; None where they are not all there in this order.

    `gaps`: names of what stands between; one with a name and nothing behind it but another gap is a single word.
    """
    opening, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return [len(text)] if len(text) == len(opening) and _stands(opening, text, 0) else None
    stop = len(text) - len(last)
    at = len(opening)
    if at > stop or not _stands(opening, text, 0) or not _stands(last, text, stop):
        return None
    ends = [at]
    for place, piece in enumerate(pieces[1:-1]):
        if not piece and gaps is not None and gaps[place]:
            while at < stop and text[at] == " ":
                at += 1
            space = text.find(" ", at, stop)
            at = stop if space < 0 else space
        else:
            at = _found(piece, text, at, stop)
            if at < 0:
                return None
            at += len(piece)
        ends.append(at)
    return [*ends, len(text)] if at <= stop else None


def _stands(piece: str, text: str, at: int) -> bool:
    """Whether `text` goes on with `piece` at this place."""
    if "?" not in piece:
        return text.startswith(piece, at)
    return len(text) - at >= len(piece) and all(
        wanted in ("?", there) for wanted, there in zip(piece, text[at : at + len(piece)], strict=True)
    )


def _found(piece: str, text: str, at: int, stop: int) -> int:
    """The first place from `at` on where `piece` stands before `stop`; -1 if there is none."""
    if "?" not in piece:
        return text.find(piece, at, stop)
    return next((place for place in range(at, stop - len(piece) + 1) if _stands(piece, text, place)), -1)
