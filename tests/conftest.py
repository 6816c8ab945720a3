"""Settings of the whole suite: what the system lacks is named at the top; with CI=true nothing may be skipped."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from itertools import zip_longest
from pathlib import Path

import hypothesis
import pytest
from support import shared
from support.needs import NEEDS, missing

STRICT = os.environ.get("CI") == "true"
# tests that keep time with real cameras, players and browsers: others at their side would disturb them; the longest
# first, so that all workers end together
ALONE = (
    "tests/rtsp/test_players.py",
    "tests/browser/test_real.py",
    "tests/faults/",
    "tests/integration/test_every_frame.py",
    "tests/browser/test_live_page.py",
)

# how long an example takes says more of the machine than of the code
hypothesis.settings.register_profile("camtrace", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("camtrace")


def pytest_configure(config: pytest.Config) -> None:
    """Make the suite's own marks known, and the folder that all processes of the run share."""
    shared.folder()
    gc.disable()  # until all test modules are read: what they make stays
    config.addinivalue_line("markers", "slow: takes some tens of seconds")
    config.addinivalue_line("markers", "alone: keeps time with the real world, and runs while nothing else does")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Who runs the tests that run alone, or all but those, need not read the files of the others."""
    wanted = config.option.markexpr
    if wanted not in ("alone", "not alone") or not collection_path.name.startswith("test_"):
        return None
    alone = collection_path.relative_to(config.rootpath).as_posix().startswith(ALONE)
    return None if alone == (wanted == "alone") else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run alone. Put the long files first, those that wait beside those that draw."""
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker("alone")
    files = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    drawing = [file for file in files if file.startswith("tests/browser/")]
    waiting = [file for file in files if file.startswith("tests/integration/")]
    alone = [file for each in ALONE for file in files if file.startswith(each)]
    first = [*alone, *(file for pair in zip_longest(waiting, drawing) for file in pair if file and file not in alone)]
    place = {file: number for number, file in enumerate([*first, *(file for file in files if file not in first)])}
    items.sort(key=lambda item: place[item.nodeid.partition("::")[0]])


def pytest_collection_finish() -> None:
    """What was read stays, and need not be looked at again whenever garbage is sought."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_report_header() -> list[str]:
    """What the system lacks, and what comes of it."""
    reasons = list(filter(None, map(missing, NEEDS)))
    fate = "fail" if STRICT else "are skipped"
    return [f"{reason}: the tests that need it {fate}" for reason in reasons]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true, a test that is skipped has failed."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """With CI=true, a file that is skipped whole has failed too."""
    report = yield
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {_reason(report.longrepr)}"
    return report


def _reason(given: object) -> str:
    return str(given[2]) if isinstance(given, tuple) else str(given)
