"""Counters and gauges as Prometheus reads them."""

from __future__ import annotations

from camtrace.metrics import Metrics


def test_counters() -> None:
    """They add up, per set of labels."""
    metrics = Metrics()
    metrics.add("camtrace_pos_lines_total")
    metrics.add("camtrace_pos_lines_total", 4)
    metrics.add("camtrace_gaps_total", 1, camera=2, cause="disk")
    assert metrics.value("camtrace_pos_lines_total") == 5
    assert metrics.value("camtrace_gaps_total", camera=2, cause="disk") == 1
    assert metrics.value("camtrace_gaps_total", camera=3, cause="disk") == 0
    assert metrics.text() == (
        "# TYPE camtrace_gaps_total counter\n"
        'camtrace_gaps_total{camera="2",cause="disk"} 1\n'
        "# TYPE camtrace_pos_lines_total counter\n"
        "camtrace_pos_lines_total 5\n"
    )


def test_gauges_are_asked_when_shown() -> None:
    """A gauge has the value of the moment."""
    metrics, queue = Metrics(), [1, 2]
    metrics.gauge("camtrace_queue", lambda: [({"volume": "/a"}, len(queue))])
    assert 'camtrace_queue{volume="/a"} 2' in metrics.text()
    queue.clear()
    assert 'camtrace_queue{volume="/a"} 0' in metrics.text()


def test_labels_are_escaped() -> None:
    """A name with quotes, backslashes or newlines stays one label."""
    metrics = Metrics()
    metrics.add("n", 1, camera='a "b"\\\nc')
    assert 'n{camera="a \\"b\\"\\\\\\nc"} 1\n' in metrics.text()


def test_great_and_broken_figures() -> None:
    """Every digit is shown: a counter shall not stand still at a million."""
    metrics = Metrics()
    metrics.add("bytes", 123456789012)
    metrics.add("seconds", 1234567.125)
    assert "bytes 123456789012\n" in metrics.text()
    assert "seconds 1234567.125\n" in metrics.text()
