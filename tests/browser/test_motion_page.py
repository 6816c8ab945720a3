"""The page where motion detection is set up, in a real browser: what moves, zones by mouse and keyboard, saving."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browser import Person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: settings change


@pytest.fixture
def page(anna: Person) -> Page:
    """The page of camera 1, filled."""
    page = anna.go("/cameras/1/motion")
    expect(page.locator("#o-sensitivity")).to_have_text("50")
    return page


def saved(page: Page) -> dict[str, Any]:
    """The camera's motion as the API has it."""
    return page.evaluate("fetch('/api/v1/cameras/1').then((answer) => answer.json()).then((whole) => whole.motion)")


def slide(page: Page, name: str, position: int) -> None:
    page.locator(f"[name={name}]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }",
        position,
    )


def test_the_way_there(anna: Person) -> None:
    page = anna.go("/cameras/1")
    page.click("text=Set up motion detection")
    page.wait_for_url("**/cameras/1/motion")


def test_what_moves_is_seen(page: Page) -> None:
    """Somebody of 20 per mille: framed, above the threshold, and below it once the object size is larger."""
    page.wait_for_selector(".boxes .box.large")
    expect(page.locator("#verdict")).to_have_text("Motion")
    expect(page.locator("#figures")).to_contain_text("largest 20")
    slide(page, "object_size", 12)
    expect(page.locator("#o-object_size")).to_contain_text("100 ‰")
    expect(page.locator("#verdict")).to_have_text("No motion")
    page.wait_for_selector(".boxes .box:not(.large)")
    page.wait_for_function(
        "() => { const [size, least] = [parseFloat(largest.style.width), parseFloat(threshold.style.left)];"
        " return 0 < size && size < least && least < 100; }"
    )
    assert saved(page)["object_size"] == 3  # what was tried has been answered
    expect(page.locator("#unsaved")).to_have_text("Tried here, not saved yet.")


def test_settings_are_saved(page: Page) -> None:
    page.click("text=Motion raises an alarm")
    slide(page, "sensitivity", 70)
    slide(page, "history_seconds", 3)
    slide(page, "minimum_seconds", 1)
    page.click("#save")
    page.wait_for_selector(".toast")
    found = saved(page)
    assert found["enabled"] is True
    assert (found["sensitivity"], found["history_seconds"], found["minimum_seconds"]) == (70, 5, 1)
    expect(page.locator("#unsaved")).to_have_text("")
    slide(page, "sensitivity", 10)
    expect(page.locator("#o-sensitivity")).to_have_text("10")
    page.click("#putback")
    expect(page.locator("#o-sensitivity")).to_have_text("70")


def test_a_zone_by_mouse(page: Page) -> None:
    """Three corners and a double click, a name, a corner dragged elsewhere; what moves is named by the zone."""
    page.click("#draw")
    box = page.locator("#pad").bounding_box()
    assert box

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.click(*at(0.25, 0.25))
    page.mouse.click(*at(0.75, 0.25))
    page.mouse.dblclick(*at(0.5, 0.75))
    page.keyboard.type("Door")
    expect(page.locator("#verdict")).to_have_text("Motion: Door")
    page.mouse.move(*at(0.25, 0.25))
    page.mouse.down()
    page.mouse.move(*at(0.1, 0.1), steps=3)
    page.mouse.up()
    page.click("#save")
    page.wait_for_selector(".toast")
    (zone,) = saved(page)["zones"]
    assert (zone["name"], zone["exclude"]) == ("Door", False)
    assert zone["polygon"] == [
        [pytest.approx(x, abs=0.01), pytest.approx(y, abs=0.01)] for x, y in ((0.1, 0.1), (0.75, 0.25), (0.5, 0.75))
    ]


def test_a_zone_by_keyboard(page: Page) -> None:
    """Without a mouse: drawn, a corner moved, added and removed, then overlooked, then removed."""
    page.focus("#draw")
    page.keyboard.press("Enter")
    for keys in (
        ["Space"],
        ["Shift+ArrowRight", "ArrowRight", "Space"],
        ["Shift+ArrowDown"] * 2 + ["Space"],
        ["Enter"],
    ):
        for key in keys:
            page.keyboard.press(key)
    corners = page.locator("#pad .corner")
    expect(corners).to_have_count(3)
    corners.first.focus()
    for key in ("ArrowLeft", "ArrowUp", "Insert"):
        page.keyboard.press(key)
    expect(corners).to_have_count(4)
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    expect(corners).to_have_count(3)
    page.select_option("#zones select", "exclude")
    page.click("#save")
    page.wait_for_selector(".toast")
    (zone,) = saved(page)["zones"]
    assert zone["exclude"] is True
    assert zone["polygon"] == [[0.49, 0.49], [0.56, 0.5], [0.56, 0.6]]
    page.click("#zones button")
    expect(page.locator("#zones li")).to_have_count(0)
    page.click("#save")
    page.wait_for_function(
        "() => fetch('/api/v1/cameras/1').then((a) => a.json()).then((c) => c.motion.zones.length === 0)"
    )


def test_no_more_than_eight(page: Page) -> None:
    for _ in range(8):
        page.click("#quarter")
    for name in ("#quarter", "#draw"):
        expect(page.locator(name)).to_be_disabled()
    page.keyboard.press("Escape")
    page.click("#save")
    page.wait_for_selector(".toast")
    assert len(saved(page)["zones"]) == 8


@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits(anna: Person, width: int) -> None:
    """Nothing has to be scrolled sideways."""
    anna.page.set_viewport_size({"width": width, "height": 800})
    page = anna.go("/cameras/1/motion")
    page.wait_for_selector(".boxes .box")
    page.wait_for_function("(width) => document.documentElement.scrollWidth <= width", arg=width)
