"""The replay page and the ticket search in a real browser."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from support.browser import Person
from support.needs import needs

pytestmark = needs("chromium")
DRAWN = "() => { const c = document.querySelector('canvas'); return c && c.width > 0 && !c.hidden; }"


def moment(anna: Person) -> str:
    """The clock of the replay."""
    return anna.page.locator("#now").text_content() or ""


def open_line(anna: Person) -> str:
    """Search the cancelled lines and open the newest; the time it was received."""
    anna.go("/log?cancelled=1")
    link = anna.page.locator(".lines tbody a").first
    time = link.text_content() or ""
    link.click()
    anna.page.wait_for_url("**/replay/1?at=*")
    return time


def test_a_line_opens_the_replay_at_its_second_with_its_ticket(anna: Person) -> None:
    time = open_line(anna)
    anna.until("v.readyState >= 2 && v.currentTime > 0")
    anna.page.wait_for_selector("#ticket li.now.void")
    assert anna.page.locator("#ticket li.now time").text_content() == time
    (received,) = instants(anna, "type=S&limit=1")
    asked = float(anna.page.url.partition("at=")[2])
    assert abs(asked - received) < 0.002
    anna.page.keyboard.press("Space")
    apart = anna.page.evaluate(
        "([asked, shown]) => (Date.parse(`2000-01-01T${shown}Z`) - Date.parse(`2000-01-01T${asked}Z`)) / 1000",
        [time, moment(anna)],
    )
    assert 0 <= apart <= 4  # it has been playing since
    assert anna.page.locator("#ticket li.next").count() > 0  # what is still to come is grey


EMPTY = "() => (document.querySelector('#ticket .empty')?.textContent ?? '') === 'No ticket near this time.'"


def instants(anna: Person, question: str) -> list[float]:
    """When the lines of the first till came that `GET /lines` finds, in seconds."""
    found = anna.page.evaluate(
        "async (q) => (await (await fetch(`/api/v1/lines?camera=1&${q}`)).json())"
        ".items.map((line) => Date.parse(line.received_at) / 1000)",
        question,
    )
    return list(found)


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, ZoneInfo("Europe/Paris")).strftime("%H:%M:%S")


def test_only_the_ticket_that_was_on_the_screen_stands_beside_the_picture(anna: Person) -> None:
    """None before the first line nor five minutes after the last; the one of that time where there is no picture."""
    anna.go("/log")
    (first,) = instants(anna, "order=asc&limit=1")
    for at in (first - 600, first - 12 * 60, first - 2):
        anna.go(f"/replay/1?at={at}")
        anna.page.keyboard.press("Space")
        anna.page.wait_for_timeout(700)  # what lies around has arrived
        anna.page.wait_for_function(EMPTY)
    anna.go(f"/replay/1?at={first + 0.2}")
    anna.page.wait_for_selector("#ticket li")
    assert anna.page.locator("#ticket li time").first.text_content() == clock(first)
    hole = anna.page.evaluate("() => Date.now() / 1000 - 48 * 60")
    (before,) = instants(anna, f"stop={hole}&limit=1")
    anna.go(f"/replay/1?at={hole}")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    anna.page.wait_for_selector("#ticket li")
    assert anna.page.locator("#ticket li:not(.next) time").last.text_content() == clock(before)
    (last,) = instants(anna, "limit=1")
    anna.go(f"/replay/1?at={last + 301}")
    anna.page.wait_for_timeout(700)
    anna.page.wait_for_function(EMPTY)


def test_a_finished_ticket_stands_until_the_next_line(anna: Person) -> None:
    anna.go("/log")
    end = instants(anna, "type=E&limit=2")[1]
    (after,) = instants(anna, f"start={end + 0.001}&order=asc&limit=1")
    assert after - end > 60
    anna.go(f"/replay/1?at={after - 5}")
    anna.page.wait_for_selector("#ticket li.end:not(.next)")
    anna.page.keyboard.press("Space")
    total = anna.page.evaluate(
        "async (q) => { const ask = async (path) => (await fetch('/api/v1' + path)).json();"
        "const { items } = await ask('/lines?type=E&limit=2');"
        "return (await ask('/tickets/' + items[1].ticket_id)).total; }"
    )
    assert anna.page.locator("#ticket .tk-total .t").text_content() == total.replace(".", ",")  # what was settled
    anna.go(f"/replay/1?at={after + 0.1}")
    anna.page.wait_for_function(f"() => document.querySelector('#ticket li time')?.textContent === '{clock(after)}'")


def test_playing_pausing_and_stepping(anna: Person) -> None:
    open_line(anna)
    anna.until("v.readyState >= 3 && !v.paused && v.currentTime > 0")
    before = anna.video("v.currentTime")
    anna.until(f"v.currentTime > {before} + 1")
    anna.page.keyboard.press("Space")
    anna.until("v.paused")
    held = anna.video("v.currentTime")
    anna.page.keyboard.press(".")
    anna.until(f"v.currentTime > {held}")
    on = anna.video("v.currentTime")
    assert on - held < 0.3
    anna.page.keyboard.press("ArrowLeft")
    anna.until(f"Math.abs(v.currentTime - ({on} - 5)) < 0.3")


def test_lines_can_be_stepped_through_and_clicked(anna: Person) -> None:
    open_line(anna)
    anna.page.wait_for_selector("#ticket li.now.void")
    anna.page.keyboard.press("Space")
    first = anna.page.locator("#ticket li").first
    time = first.locator("time").text_content()
    first.click()
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent === '{time}'")
    second = anna.page.locator("#ticket li").nth(1).locator("time").text_content()
    anna.page.keyboard.press("ArrowDown")
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent === '{second}'")


def test_where_nothing_was_recorded_the_page_says_from_when_to_when(anna: Person) -> None:
    anna.go("/replay/1")
    anna.until("v.readyState >= 2")
    hole = anna.page.evaluate("() => Date.now() / 1000 - 48 * 60")
    anna.go(f"/replay/1?at={hole}")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    words = anna.page.locator(".lostwords").text_content() or ""
    assert re.search(r"No picture from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d", words) and "the camera was lost" in words
    anna.page.locator(".lostwords button").last.click()
    anna.until("v.readyState >= 2 && !document.querySelector('.pic.lost')")


def test_playing_goes_on_behind_a_gap(anna: Person) -> None:
    anna.go("/replay/1")
    anna.until("v.readyState >= 2")
    edge = anna.page.evaluate(
        "async () => { const t = Date.now(); const q = `start=${(t - 4000e3) / 1000}&stop=${t / 1000}`;"
        "const r = await (await fetch(`/api/v1/cameras/1/recordings?${q}`)).json();"
        "return [Date.parse(r.spans[0].stop) / 1000, Date.parse(r.spans[1].start) / 1000]; }"
    )
    anna.go(f"/replay/1?at={edge[0] - 2}")
    behind = datetime.fromtimestamp(edge[1] + 1, ZoneInfo("Europe/Paris")).strftime("%H:%M:%S")
    anna.until(f"!v.paused && document.getElementById('now').textContent >= '{behind}'")


@pytest.mark.parametrize("lacking", ["MediaSource.isTypeSupported = () => false", "delete window.MediaSource"])
def test_what_the_browser_cannot_play_is_shown_by_single_pictures(anna: Person, lacking: str) -> None:
    anna.page.add_init_script(lacking)
    anna.go("/replay/1")
    anna.page.wait_for_function(DRAWN)
    anna.page.wait_for_selector(".picnote:not([hidden])")
    assert "This browser cannot play this kind of picture" in (anna.page.locator(".picnote").text_content() or "")
    before = moment(anna)
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent > '{before}'")
    anna.page.keyboard.press("ArrowLeft")
    anna.page.wait_for_selector("#picture .tag.tr", state="hidden")  # nothing is being fetched any more


def test_a_browser_with_managed_sources_only_replays_video(anna: Person) -> None:
    anna.page.add_init_script("window.ManagedMediaSource = window.MediaSource; delete window.MediaSource")
    anna.go("/replay/1")
    anna.until("v.readyState >= 3 && !v.paused && v.currentTime > 0 && v.disableRemotePlayback")


def test_the_marked_clip_is_downloaded_under_the_cameras_name(anna: Person) -> None:
    open_line(anna)
    anna.until("v.readyState >= 2")
    anna.page.keyboard.press("i")
    anna.page.keyboard.press("ArrowRight")
    anna.page.wait_for_timeout(300)
    anna.page.keyboard.press("o")
    assert "Marked" in (anna.page.locator("#marked").text_content() or "")
    with anna.page.expect_download() as waiting:
        anna.page.click("#clip")
    kept = waiting.value
    assert kept.suggested_filename.startswith("Till 1 ") and kept.suggested_filename.endswith(".mp4")
    assert kept.path().read_bytes()[4:8] == b"ftyp"


def test_the_timeline_is_a_slider_that_says_what_lies_there(anna: Person) -> None:
    open_line(anna)
    anna.page.wait_for_selector("#ticket li.now.void")
    slider = anna.page.locator("#timeline")
    assert slider.get_attribute("role") == "slider"
    assert "ANNULE" in (slider.get_attribute("aria-valuetext") or "")
    anna.page.click("#zooms button[data-seconds='600']")
    assert anna.page.locator("#zooms button[aria-pressed='true']").text_content() == "10 min"
    box = slider.bounding_box()
    assert box
    anna.page.keyboard.press("Space")
    before = moment(anna)
    slider.click(position={"x": box["width"] * 0.3, "y": 105})
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent !== '{before}'")


def test_the_search_marks_what_was_found(anna: Person) -> None:
    anna.go("/log")
    anna.page.wait_for_selector(".lines tbody tr.goes")
    anna.page.keyboard.press("/")
    anna.page.keyboard.type("camembert")
    anna.page.keyboard.press("Enter")
    anna.page.wait_for_selector(".lines mark")
    assert set(anna.page.locator(".lines mark").all_text_contents()) == {"CAMEMBERT"}
    assert "text=camembert" in anna.page.url
    anna.page.reload()
    anna.page.wait_for_selector(".lines mark")


def test_a_search_that_finds_nothing_says_what_to_do(anna: Person) -> None:
    anna.go("/log?text=unobtainium")
    anna.page.wait_for_selector("#rows .empty")
    assert "Fewer conditions find more" in (anna.page.locator("#rows .empty").text_content() or "")
    anna.page.click("#rows .empty button")
    anna.page.wait_for_selector(".lines tbody tr.goes")


def test_older_lines_are_fetched_page_by_page(anna: Person) -> None:
    anna.go("/log")
    anna.page.wait_for_selector("#more:not([hidden])")
    before = anna.page.locator(".lines tbody tr.goes").count()
    anna.page.click("#more")
    anna.page.wait_for_function(f"() => document.querySelectorAll('.lines tbody tr.goes').length > {before}")
