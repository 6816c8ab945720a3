"""A browser, a site of fakes that is new for each module here, and Anna, who is signed in there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from support.browser import WAIT_MS, Person, PreviewProcess, chromium, person, renewed

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def preview() -> Iterator[PreviewProcess]:
    """The process that serves sites of fakes."""
    process = PreviewProcess()
    yield process
    process.stop()


site = pytest.fixture(scope="module")(renewed)


@pytest.fixture
def anna(browser: Browser, site: PreviewProcess) -> Iterator[Person]:
    """Anna at the site; her pages may not complain."""
    with person(browser, site.address) as somebody:
        yield somebody
        assert somebody.complaints == []
