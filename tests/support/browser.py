"""A real Chromium, driven by Playwright, and sites to look at with it.

`chromium()` starts one browser for a whole run. `person(browser, address, name, password)` is somebody signed in at a
site: the site of fakes (`PreviewProcess`) or a real server, whose address it takes just as well. A window of the
browser is dear, so who leaves one leaves it tidy for the next who wants such a one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright
from support import needs

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse battery"
WAIT_MS = 60_000
DESK = {"width": 1440, "height": 900}
# it is early afternoon at the site: a day that has just begun would hold little of what is looked at
ZONE = f"Etc/GMT{datetime.now(UTC).hour - 14:+d}"
_signed_in: dict[tuple[str, str, str], Any] = {}
"""The cookies of who has been through the door once, by address, name and password."""
_running: list[Browser] = []
_vacant: dict[str, list[Page]] = {}
"""Windows that nobody uses at the moment, by the options of their contexts."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of the system's; the one that runs, where there is one, for a process can drive no second."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needs.chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio", "--disable-gpu"],
        )
        _running.append(browser)
        try:
            yield browser
        finally:
            _running.clear()
            _vacant.clear()
            browser.close()


class PreviewProcess:
    """The site of fakes in a process of its own; `address` is where it listens."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "preview.py"), "0", ZONE],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        ready = self._process.stdout.readline().split()
        assert ready[:1] == ["ready"], ready
        self.address = f"http://127.0.0.1:{ready[1]}"

    def tell(self, order: str) -> str:
        """Have the site do something (`sell`, `lose UID`, `say A|1|148|TARTE|16,00`); returns its answer."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=WAIT_MS / 1000)


def renewed(preview: PreviewProcess) -> PreviewProcess:
    """A fixture: the site of fakes as on its first day, for as long as the fixture's scope says."""
    assert preview.tell("renew") == "renewed"
    return preview


class Person:
    """Somebody at a page. What the page complains about gathers in `complaints`."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.tidy = True  # whether the next may have the window
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", self._failed)
        page.on("console", self._heard)

    def prepare(self, script: str) -> None:
        """Run `script` in every page before the page's own; for this window's life, so nobody gets it afterwards."""
        self.tidy = False
        self.page.add_init_script(script)

    def leave(self) -> None:
        """Close the page, forget what sites have left in the browser, and make the window as it was."""
        page = self.page
        page.remove_listener("pageerror", self._failed)
        page.remove_listener("console", self._heard)
        for other in page.context.pages:
            if other is not page:
                other.close()
        with suppress(Error):  # a page that never came has no storage
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.mouse.move(-1, -1)
        page.goto("about:blank")
        page.context.clear_cookies()

    def _failed(self, error: Any) -> None:
        self.complaints.append(str(error))

    def _heard(self, message: Any) -> None:
        # a picture that is not there is an answer, not a fault of the page
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Through the door."""
        self.go("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("button.primary")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def soon(self, true: Callable[[], Any], what: str) -> Any:
        """What `true()` gives as soon as it is true: for what no element of the page tells."""
        until = time.monotonic() + WAIT_MS / 1000
        while not (given := true()):
            assert time.monotonic() < until, f"{what} did not happen"
            self.page.wait_for_timeout(50)
        return given

    def answered(self, part: str) -> AbstractContextManager[Any]:
        """What is done inside has asked for an address with this `part`, and has the whole answer when it is left."""
        return self.page.expect_request_finished(lambda request: part in request.url)

    def video(self, expression: str) -> Any:
        """A JavaScript `expression` over `v`, the page's first `<video>`."""
        return self.page.evaluate(f"() => {{ const v = document.querySelector('video'); return {expression}; }}")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript `expression` over `v` holds."""
        self.page.wait_for_function(f"() => {{ const v = document.querySelector('video'); return {expression}; }}")


@contextmanager
def person(
    browser: Browser, address: str, name: str = "anna", password: str = PASSWORD, **options: Any
) -> Iterator[Person]:
    """`name`, signed in at `address`; `options` are those of a browser context (viewport, locale, color_scheme …).

    The first time it goes through the door; later ones find it open.
    """
    viewport = options.pop("viewport", DESK)
    vacant = _vacant.setdefault(repr(sorted({"locale": "en", **options}.items())), [])
    page = vacant.pop() if vacant else browser.new_context(**{"locale": "en", **options}).new_page()
    try:
        page.set_viewport_size(viewport)
        somebody = Person(page, address)
        if name:
            if sessions := _signed_in.get((address, name, password)):
                page.context.add_cookies(sessions)
            else:
                somebody.sign_in(name, password)
                _signed_in[address, name, password] = page.context.cookies()
        yield somebody
        if somebody.tidy:
            somebody.leave()
            vacant.append(page)
    finally:
        if page not in vacant:
            page.context.close()
