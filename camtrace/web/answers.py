"""Reading questions and writing answers of the JSON API: instants, figures, cursors, lists."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from klein import Response
from twisted.web.server import Request

from camtrace import clock
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.web.problems import Headers

T = TypeVar("T")

LIMIT, MOST = 100, 1000
LONGEST_WHOLE, LONGEST_FRACTION = 12, 20  # digits of a number before and behind its point
_UNIX = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
Position = tuple[datetime, int]


def to_json(value: object) -> str:
    """JSON text; instants as ISO 8601 in UTC, decimals as strings."""
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def answer(value: object, status: int = 200, **headers: str) -> Response:
    """The response that carries `value` as JSON."""
    sent: Headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, sent, to_json(value).encode())


def page_of(found: Sequence[T], limit: int, shape: Callable[[T], object], place: Callable[[T], Position]) -> Response:
    """A list's answer: at most `limit` of `found` (asked for one more), and where to go on."""
    shown = found[:limit]
    following = write_cursor(place(shown[-1])) if len(found) > limit else None
    return answer({"items": [shape(item) for item in shown], "next": following})


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises Invalid."""
    kind = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Invalid("the body must be JSON, with Content-Type: application/json")
    content: Any = request.content
    try:
        body = json.loads(content.read())
        json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair could be stored and shown nowhere
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Invalid("the body must be a JSON object")
    return body


def read_instant(text: str, field: str) -> datetime:
    """The instant that `text` names: Unix seconds or ISO 8601 (UTC if it has no zone). Raises Invalid."""
    text = text.strip()
    try:
        if _UNIX.fullmatch(text):
            return clock.from_us(int(Decimal(text) * 1_000_000))
        # a plus that was not escaped arrives as a space
        instant = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(N_("{field} is no instant: give Unix seconds or ISO 8601"), field) from error


def write_cursor(position: Position) -> str:
    """An opaque word for a place in a list."""
    at, number = position
    return base64.urlsafe_b64encode(f"{clock.to_us(at)}.{number}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Position:
    """The place that `write_cursor` wrote down. Raises Invalid."""
    try:
        microseconds, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(".")
        return clock.from_us(int(microseconds)), int(number)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise Invalid("the cursor is none that this server gave", "cursor") from error


class Query:
    """The parameters after the `?`, each read as what it should be. Raises Invalid with the parameter's name."""

    def __init__(self, request: Request) -> None:
        self._args: dict[bytes, list[bytes]] = request.args or {}

    def text(self, name: str) -> str | None:
        """The parameter as it was sent; None if absent or empty."""
        value = self._args.get(name.encode(), [b""])[-1].decode("utf-8", "replace").strip()
        return value.replace("\x00", "") or None

    def instant(self, name: str) -> datetime | None:
        """An instant; None if absent."""
        value = self.text(name)
        return None if value is None else read_instant(value, name)

    def span(self) -> tuple[datetime, datetime]:
        """`start` and `stop`, both required and in this order."""
        start, stop = self.instant("start"), self.instant("stop")
        if start is None or stop is None:
            missing = "start" if start is None else "stop"
            raise Invalid(N_("{field} is missing"), missing)
        if stop <= start:
            raise Invalid(N_("the end must be later than the beginning"), "stop")
        return start, stop

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int | None:
        """A whole number from `low` to `high`."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d{1,19}", value) or not low <= int(value) <= high:
            raise Invalid(N_("{field} must be a whole number from {low} to {high}"), name, low=low, high=high)
        return int(value)

    def decimal(self, name: str) -> Decimal | None:
        """A decimal number, with point or comma."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = Decimal(value.replace(",", "."))
        except ArithmeticError as error:
            raise Invalid(N_("{field} must be a number"), name) from error
        if not number.is_finite() or not -LONGEST_FRACTION <= number.adjusted() <= LONGEST_WHOLE:
            raise Invalid(N_("{field} must be a number"), name)
        return number

    def choice(self, name: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """One of `choices`."""
        value = self.text(name)
        if value is None:
            return default
        if value not in (known := tuple(choices)):
            raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(known))
        return value

    def choices(self, name: str, choices: Iterable[str]) -> list[str] | None:
        """Some of `choices`, with commas between; None if absent."""
        value = self.text(name)
        if value is None:
            return None
        known, asked = tuple(choices), [each.strip() for each in value.split(",")]
        if not set(asked) <= set(known):
            raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(known))
        return asked

    def flag(self, name: str) -> bool:
        """Whether the parameter is set: 1 or true."""
        return self.choice(name, ("0", "1", "true", "false")) in ("1", "true")

    def limit(self) -> int:
        """How many items of a list are wanted."""
        return self.integer("limit", 1, MOST, LIMIT) or LIMIT

    def cursor(self) -> Position | None:
        """Where the list goes on; None from the beginning."""
        value = self.text("cursor")
        return None if value is None else read_cursor(value)
