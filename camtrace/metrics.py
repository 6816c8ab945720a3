"""Counters and gauges of the running server, by their Prometheus names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """What `/metrics` shows. Counters are added to where things happen; gauges are asked for when shown."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, Callable[[], Iterable[tuple[Mapping[str, str], float]]]] = {}

    def add(self, name: str, amount: float = 1, **labels: object) -> None:
        """Add `amount` to the counter `name` with these labels."""
        family = self._counters.setdefault(name, {})
        key = tuple((label, str(value)) for label, value in labels.items())
        family[key] = family.get(key, 0) + amount

    def gauge(self, name: str, read: Callable[[], Iterable[tuple[Mapping[str, str], float]]]) -> None:
        """Show `name` as whatever `read()` yields at that moment: pairs of labels and value."""
        self._gauges[name] = read

    def value(self, name: str, **labels: object) -> float:
        """The counter's present value; 0 if it was never added to."""
        key = tuple((label, str(value)) for label, value in labels.items())
        return self._counters.get(name, {}).get(key, 0)

    def text(self) -> str:
        """The Prometheus text exposition format, version 0.0.4."""
        lines: list[str] = []
        for name, family in sorted(self._counters.items()):
            lines.append(f"# TYPE {name} counter")
            lines.extend(_row(name, dict(key), value) for key, value in sorted(family.items()))
        for name, read in sorted(self._gauges.items()):
            lines.append(f"# TYPE {name} gauge")
            lines.extend(_row(name, labels, value) for labels, value in read())
        return "\n".join(lines) + "\n"


def _row(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    figure = repr(value) if value % 1 else str(int(value))  # every digit: a counter shall not stand still at a million
    return f"{name}{{{inside}}} {figure}" if inside else f"{name} {figure}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
