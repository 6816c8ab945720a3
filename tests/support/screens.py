"""The pictures of `docs/screens`, taken of a demo that runs: `python tests/support/screens.py [DIRECTORY] [NAME …]`.

DIRECTORY is the demo's (`var` without one). It should have run for ten minutes, so that there is something to look for.
NAMEs are of the pictures wanted, all of them without any. Look at each afterwards.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support.browser import chromium, person  # noqa: E402

from camtrace.demo.account import NAME  # noqa: E402

SCREENS = ROOT / "docs" / "screens"
BEAT_MS = 1000


def live(page: Page) -> None:
    """A till's camera with its ticket, in the second half of a sale."""
    page.goto("/live/1")
    page.wait_for_selector("#picture.moving")
    page.wait_for_function("() => document.querySelectorAll('#tickets .ticket').length > 1")
    page.wait_for_selector("#tickets .ticket:first-child .tk-head >> text=open")
    page.wait_for_function("() => document.querySelectorAll('#tickets .ticket:first-child li[data-id]').length === 5")
    page.wait_for_timeout(2 * BEAT_MS)  # the picture comes a little later than the line


def log(page: Page) -> None:
    """What was cancelled at a till, with the pictures of those seconds."""
    page.goto("/log?q=amount%3E9+annule")
    page.wait_for_selector("a.hit")
    page.wait_for_function(
        "() => [...document.querySelectorAll('a.hit img')].slice(0, 3).every((each) => each.complete)"
    )
    page.wait_for_timeout(BEAT_MS)  # a picture that is there may still fade in


def replay(page: Page) -> None:
    """An exception in the replay, where it is judged."""
    page.goto("/exceptions")
    page.wait_for_selector(".rail.found li:not(.day)")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.wait_for_selector("#found:not([hidden])")
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    page.wait_for_selector("#ticket li.now")


PICTURES: dict[str, Callable[[Page], None]] = {take.__name__: take for take in (live, log, replay)}


def main(words: list[str]) -> None:
    """Take the pictures that are named."""
    names = [word for word in words if word in PICTURES]
    directory = Path(next((word for word in words if word not in PICTURES), ROOT / "var"))
    told = (directory / "camtrace.toml").read_text()
    port = re.search(r'^web = "tcp:(\d+)', told, re.MULTILINE)
    address = f"http://127.0.0.1:{port[1] if port else 8000}"
    password = (directory / "demo" / "password").read_text().strip()
    with chromium() as browser, person(browser, address, NAME, password, base_url=address) as somebody:
        for name in names or PICTURES:
            PICTURES[name](somebody.page)
            somebody.page.screenshot(path=SCREENS / f"{name}.png")
            print(SCREENS / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
