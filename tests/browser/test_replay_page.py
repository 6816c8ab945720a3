"""The replay page and the ticket search in a real browser."""

from __future__ import annotations

import re
import statistics
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Error, Route, expect
from support.browser import ZONE, Person, PreviewProcess
from support.needs import needs

pytestmark = needs("chromium")
DRAWN = "() => { const c = document.querySelector('canvas'); return c && c.width > 0 && !c.hidden; }"
# the page looks ten times a second where it stands, and asks for what lies around
SETTLED = "() => new Promise((done) => setTimeout(done, 350))"


def moment(anna: Person) -> str:
    """The clock of the replay."""
    return anna.page.locator("#now").text_content() or ""


def hold(anna: Person) -> None:
    """Pause: the picture stands, and soon so do the clock and the tickets."""
    anna.page.keyboard.press("k")
    anna.until("v.paused")


def await_now(anna: Person, time: str) -> None:
    """Until the clock of the replay shows `time`."""
    expect(anna.page.locator("#now")).to_have_text(time)


def open_line(anna: Person) -> str:
    """Search the cancelled lines and open the newest; the time it was received."""
    anna.go("/log?q=type:S")
    link = anna.page.locator("a.hit").first
    time = link.locator(".when").text_content() or ""
    link.click()
    anna.page.wait_for_url("**/replay/1?at=*")
    return time


def test_a_line_opens_the_replay_at_its_second_with_its_ticket(anna: Person) -> None:
    begun = monotonic()
    time = open_line(anna)
    anna.page.wait_for_selector(f"#ticket li.now.void:has(time:text-is('{time}'))")
    anna.until("v.readyState >= 2 && v.currentTime > 0")
    (received,) = instants(anna, "type=S&limit=1")
    asked = float(anna.page.url.partition("at=")[2].partition("&")[0])
    assert abs(asked - received) < 0.002
    expect(anna.page.locator("#ticket li.next").first).to_be_attached()  # what is still to come is grey
    hold(anna)
    apart = anna.page.evaluate(
        "([asked, shown]) => (Date.parse(`2000-01-01T${shown}Z`) - Date.parse(`2000-01-01T${asked}Z`)) / 1000",
        [time, moment(anna)],
    )
    assert 0 <= apart <= monotonic() - begun + 1  # it has been playing since


def instants(anna: Person, question: str) -> list[float]:
    """When the lines of the first till came that `GET /lines` finds, in seconds."""
    found = anna.page.evaluate(
        "async (q) => (await (await fetch(`/api/v1/lines?camera=1&${q}`)).json())"
        ".items.map((line) => Date.parse(line.received_at) / 1000)",
        question,
    )
    return list(found)


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(ZONE)).strftime("%H:%M:%S")


def test_only_the_ticket_that_was_on_the_screen_stands_beside_the_picture(anna: Person) -> None:
    """None before the first line nor five minutes after the last; the one of that time where there is no picture."""
    anna.go("/log")
    (first,) = instants(anna, "order=asc&limit=1")
    empty = anna.page.locator("#ticket .empty")
    for at in (first - 600, first - 12 * 60, first - 2):
        with anna.answered("/api/v1/lines?"):
            anna.go(f"/replay/1?at={at}")
            anna.page.keyboard.press("Space")
        anna.page.evaluate(SETTLED)
        expect(empty).to_have_text("No ticket near this time.")
    anna.go(f"/replay/1?at={first + 0.2}")
    expect(anna.page.locator("#ticket li time").first).to_have_text(clock(first))
    hole = anna.page.evaluate("() => Date.now() / 1000 - 48 * 60")
    (before,) = instants(anna, f"stop={hole}&limit=1")
    anna.go(f"/replay/1?at={hole}")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    expect(anna.page.locator("#ticket li:not(.next) time").last).to_have_text(clock(before))
    (last,) = instants(anna, "limit=1")
    with anna.answered("/api/v1/lines?"):
        anna.go(f"/replay/1?at={last + 301}")
    anna.page.evaluate(SETTLED)
    expect(empty).to_have_text("No ticket near this time.")


def test_a_finished_ticket_stands_until_the_next_line(anna: Person) -> None:
    anna.go("/log")
    end = instants(anna, "type=E&limit=2")[1]
    (after,) = instants(anna, f"start={end + 0.001}&order=asc&limit=1")
    assert after - end > 60
    anna.go(f"/replay/1?at={after - 5}")
    anna.page.wait_for_selector("#ticket li.end:not(.next)")
    hold(anna)
    total = anna.page.evaluate(
        "async (q) => { const ask = async (path) => (await fetch('/api/v1' + path)).json();"
        "const { items } = await ask('/lines?type=E&limit=2');"
        "return (await ask('/tickets/' + items[1].ticket_id)).total; }"
    )
    expect(anna.page.locator("#ticket .tk-total .t")).to_have_text(total.replace(".", ","))  # what was settled
    anna.go(f"/replay/1?at={after + 0.1}")
    expect(anna.page.locator("#ticket li time").first).to_have_text(clock(after))


def test_playing_pausing_and_stepping(anna: Person) -> None:
    open_line(anna)
    anna.until("v.readyState >= 3 && !v.paused && v.currentTime > 0")
    before = anna.video("v.currentTime")
    anna.until(f"v.currentTime > {before} + 1")
    hold(anna)
    held = anna.video("v.currentTime")
    anna.page.keyboard.press(".")
    anna.until(f"v.currentTime > {held}")
    on = anna.video("v.currentTime")
    assert on - held < 0.3
    anna.page.keyboard.press("ArrowLeft")
    anna.until(f"Math.abs(v.currentTime - ({on} - 5)) < 0.3")


def test_lines_can_be_stepped_through_and_clicked(anna: Person) -> None:
    with anna.answered("/api/v1/tickets/"):
        open_line(anna)
    anna.page.wait_for_selector("#ticket li.now.void")
    hold(anna)
    lines = anna.page.locator("#ticket li")
    times = anna.page.locator("#ticket li time").all_text_contents()  # those of the whole ticket
    lines.first.click()
    await_now(anna, times[0])
    anna.page.keyboard.press("ArrowDown")
    await_now(anna, times[1])


def test_where_nothing_was_recorded_the_page_says_from_when_to_when(anna: Person) -> None:
    anna.go("/replay/1")
    anna.until("v.readyState >= 2")
    hole = anna.page.evaluate("() => Date.now() / 1000 - 48 * 60")
    anna.go(f"/replay/1?at={hole}")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    lost = anna.page.locator(".lostwords")
    expect(lost).to_contain_text(re.compile(r"No picture from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d"))
    expect(lost).to_contain_text("the camera was lost")
    anna.page.keyboard.press("k")  # it goes on behind
    anna.until("v.readyState >= 2 && !v.paused && !document.querySelector('.pic.lost')")
    anna.go(f"/replay/1?at={hole - 5 * 86400}")  # a day without any picture: nothing to step or play to
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    expect(anna.page.locator("#now")).to_have_text(re.compile(r"\d"))
    stands = moment(anna)
    for key in (".", "k", ","):
        anna.page.keyboard.press(key)
        expect(anna.page.locator("#play")).to_have_attribute("aria-label", "Play")
        anna.page.evaluate(SETTLED)
        await_now(anna, stands)
        expect(lost).to_be_visible()
    anna.go(f"/replay/1?at={hole}")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
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
    behind = datetime.fromtimestamp(edge[1] + 1, ZoneInfo(ZONE)).strftime("%H:%M:%S")
    anna.until(f"!v.paused && document.getElementById('now').textContent >= '{behind}'")


@pytest.mark.parametrize("lacking", ["MediaSource.isTypeSupported = () => false", "delete window.MediaSource"])
def test_what_the_browser_cannot_play_is_shown_by_single_pictures(anna: Person, lacking: str) -> None:
    anna.prepare(lacking)
    anna.go("/replay/1")
    anna.page.wait_for_function(DRAWN)
    anna.page.wait_for_selector(".picnote:not([hidden])")
    expect(anna.page.locator(".picnote")).to_contain_text("This browser cannot play this kind of picture")
    before = moment(anna)
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent > '{before}'")
    anna.page.keyboard.press("ArrowLeft")
    anna.page.wait_for_selector("#picture .tag.tr", state="hidden")  # nothing is being fetched any more


def test_a_browser_with_managed_sources_only_replays_video(anna: Person) -> None:
    anna.prepare("window.ManagedMediaSource = window.MediaSource; delete window.MediaSource")
    anna.go("/replay/1")
    anna.until("v.readyState >= 3 && !v.paused && v.currentTime > 0 && v.disableRemotePlayback")


def test_the_marked_clip_is_downloaded_under_the_cameras_name(anna: Person) -> None:
    open_line(anna)
    anna.until("v.readyState >= 2")
    marked = anna.page.locator("#marked")
    anna.page.keyboard.press("i")
    expect(marked).to_have_text(re.compile(r"^Marked \d.* – …$"))
    before = moment(anna)
    anna.page.keyboard.press("ArrowRight")
    anna.page.wait_for_function(f"() => document.getElementById('now').textContent > '{before}'")
    anna.page.keyboard.press("o")
    expect(marked).to_have_text(re.compile(r"^Marked \d.* – \d"))
    with anna.page.expect_download() as waiting:
        anna.page.click("#clip")
    kept = waiting.value
    assert kept.suggested_filename.startswith("Till 1 ") and kept.suggested_filename.endswith(".mp4")
    assert kept.path().read_bytes()[4:8] == b"ftyp"


def test_the_timeline_is_a_slider_that_says_what_lies_there(anna: Person) -> None:
    open_line(anna)
    anna.page.wait_for_selector("#ticket li.now.void")
    slider = anna.page.locator("#timeline")
    expect(slider).to_have_attribute("role", "slider")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("ANNULE"))
    anna.page.click("#zooms button[data-seconds='600']")
    expect(anna.page.locator("#zooms button[aria-pressed='true']")).to_have_text("10 min")
    box = slider.bounding_box()
    assert box
    hold(anna)
    before = moment(anna)
    slider.click(position={"x": box["width"] * 0.3, "y": 105})
    expect(anna.page.locator("#now")).not_to_have_text(before)


def test_the_box_is_understood_and_hits_are_watched(anna: Person) -> None:
    """Chips say how it was read, the form writes the box; a wall of hits, and N goes from one to the next."""
    page = anna.go("/log")
    page.wait_for_selector(".hitwall .hit")
    page.keyboard.press("/")
    page.keyboard.type("camembert montant<50")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hitline mark")
    expect(page.locator(".hitline mark").filter(has_not_text="CAMEMBERT")).to_have_count(0)
    box, chips = page.locator("[name=q]"), page.locator(".chip")
    expect(box).to_have_value("camembert amount<50")
    expect(page.locator(".chipwords")).to_have_text(["line contains camembert", "amount under 50"])
    expect(page.locator("#amount_max")).to_have_value("50")
    page.fill("#till", "1")
    page.keyboard.press("Tab")
    expect(chips).to_have_count(3)
    expect(box).to_have_value("camembert amount<50 till:1")
    page.locator(".chip .turn").nth(0).click()
    page.wait_for_selector(".chip:has-text('does not contain camembert')")
    expect(box).to_have_value(re.compile("^-camembert"))
    page.locator(".chip .turn").nth(0).click()
    page.wait_for_selector(".chip:has-text('line contains camembert')")
    page.locator(".chip button:not(.turn)").nth(1).click()
    expect(chips).to_have_count(2)
    expect(page).to_have_url(re.compile(r"q=camembert\+till"))
    expect(page.locator("#amount_max")).to_have_value("")
    page.wait_for_selector("#hits rect.bar")
    page.wait_for_selector(".hit .pic img:not([hidden])")
    page.locator(".hit .pic").first.hover()
    page.wait_for_selector(".hit .pic.plays")
    page.mouse.move(0, 0)
    hits = page.locator("a.hit")
    ways = [anna.address + (hits.nth(place).get_attribute("href") or "") for place in range(2)]  # the search is over
    page.keyboard.press("N")
    page.wait_for_selector("a.hit.sel")
    page.keyboard.press("Enter")
    page.wait_for_url(ways[0])
    page.wait_for_selector("#hitbar:not([hidden])")
    page.keyboard.press("N")
    page.wait_for_url(ways[1])
    expect(page.locator("#hit-words")).to_have_text(re.compile("^Hit 2 of"))
    page.keyboard.press("Shift+N")
    page.wait_for_url("**&hit=1")
    page.click("#hit-results")
    page.wait_for_selector(".hitline mark")


def test_searches_are_kept_saved_and_told_to_be_empty(anna: Person) -> None:
    page = anna.go("/log?q=unobtainium colour:red")
    expect(page.locator("#rows .empty")).to_contain_text("Fewer conditions find more")
    page.wait_for_selector("#loosen:has-text('take away several')")
    expect(page.locator(".readnote")).to_contain_text("“colour:red” is no condition")
    page.fill("[name=q]", "annule unobtainium -date:yesterday")
    page.keyboard.press("Enter")
    page.click("#loosen button:has-text('line contains unobtainium')")
    page.wait_for_selector(".hitline mark")
    expect(page.locator("[name=q]")).to_have_value("annule -date:yesterday")
    page.click("#clear")
    page.wait_for_selector(".hitwall .hit")
    page.click("label[for=v-list]")
    page.wait_for_selector("#more:not([hidden])")
    rows = page.locator(".lines tbody tr.goes")
    before = rows.count()  # a page is drawn at once
    page.click("#more")
    expect(rows.nth(before)).to_be_attached()
    page.fill("[name=q]", "annule")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lines td.void mark")
    page.click("#kept summary")
    page.click("#keep")
    page.fill("#naming-name", "Annulled")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast")
    page.click("#kept summary")
    page.click("#kept-list [aria-label='Rename Annulled']")
    page.fill("#naming-name", "Cancelled")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('Cancelled')")
    page.click(".chip button:not(.turn)")
    expect(page.locator("[name=q]")).to_have_value("")
    page.click("#kept summary")
    page.click("#kept-list button:has-text('Cancelled')")
    page.wait_for_selector(".lines td.void mark")
    page.click("#kept summary")
    page.click("#kept-list [aria-label^=Forget]")
    page.wait_for_selector("#kept-list button", state="detached")
    page.keyboard.press("Escape")
    for kind, begins in (("csv", b"\xef\xbb\xbf"), ("pdf", b"%PDF")):
        page.click("#exports summary")
        with page.expect_download() as download:
            page.click(f"#{kind}")
        assert Path(download.value.path()).read_bytes().startswith(begins)
        assert download.value.suggested_filename.endswith(f".{kind}")


def test_a_question_overtakes_another_and_one_comes_back_to_the_hit(anna: Person) -> None:
    """No late answer is taken, what is typed meanwhile stays; N goes on over the end of a page, Back to the hit."""
    page = anna.go("/log")
    page.wait_for_selector(".hitwall .hit")
    held: list[Route] = []
    page.route(re.compile("/api/v1/lines.*tarte"), lambda route: held.append(route))
    page.fill("[name=q]", "tarte")
    page.keyboard.press("Enter")
    anna.soon(lambda: held, "the question for “tarte”")
    page.fill("[name=q]", "camembert")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hitline mark")
    for route in held:
        with suppress(Error):  # given up by the page
            route.continue_()
    page.route(re.compile("/api/v1/lines/query"), lambda route: held.append(route))
    held.clear()
    with page.expect_request("**/api/v1/lines/query**"):
        page.keyboard.press("Enter")
    page.keyboard.type(" 250g")
    page.fill("#amount_max", "9")
    anna.soon(lambda: held, "the question that waits")
    with page.expect_response("**/api/v1/lines?**"):
        held[0].continue_()
    page.unroute_all()
    page.wait_for_selector(".hitline mark")
    expect(page.locator("[name=q]")).to_have_value("camembert 250g")
    expect(page.locator("#amount_max")).to_have_value("9")
    expect(page).to_have_url(re.compile(r"\?q=camembert$"))
    expect(page.locator(".hitline mark").filter(has_not_text="CAMEMBERT")).to_have_count(0)
    anna.go("/log")
    page.wait_for_selector("#more:not([hidden])")
    page.locator("a.hit").nth(57).focus()
    for _ in range(5):
        page.keyboard.press("N")
    chosen = "() => [...document.querySelectorAll('a.hit')].findIndex((hit) => hit.matches('.sel'))"
    page.wait_for_function(f"() => ({chosen})() === 62")
    page.keyboard.press("Enter")
    page.wait_for_selector("#hitbar:not([hidden])")
    page.keyboard.press("N")
    page.keyboard.press("N")
    page.wait_for_url("**&hit=65")
    moment = page.url.partition("at=")[2].partition(".")[0]
    page.go_back()
    page.wait_for_selector("a.hit.sel")
    expect(page.locator("a.hit.sel")).to_have_attribute("href", re.compile(rf"at={moment}\."))
    expect(page.locator("a.hit.sel")).to_be_in_viewport()


# the line that is lit of till 9, and how far the picture is behind it, in milliseconds; `base`: the picture's second 0
IN_STEP = """([base, count]) => new Promise((done) => {
  const seen = []; let last = null; const until = performance.now() + 40000;
  const v = document.querySelector('video');
  const look = () => {
    const all = [...document.querySelectorAll('#ticket .standing')];
    const mine = all.find((each) => each.querySelector('b').textContent === 'TILL 9');
    const lit = mine?.querySelector('li.now');
    const name = lit?.querySelector('.d').textContent;
    if (lit && name !== last && !v.seeking) {
      last = name;
      seen.push([name, base + v.currentTime * 1000 - Number(lit.dataset.at)]);
    }
    if (seen.length < count && performance.now() < until) requestAnimationFrame(look); else done(seen);
  };
  look();
})"""


def in_time(apart: list[float], most: float) -> bool:
    """Whether each line is lit when its picture is there, and not before.

    The page looks ten times a second; a busy machine may be late with one of them.
    """
    return min(apart) >= -60 and statistics.median_low(apart) <= most and max(apart) <= 5 * most


def say_past(site: PreviewProcess, at: float, *lines: tuple[float, str], ticket: int = 900) -> None:
    """Till 9 said these lines, so many seconds after `at`."""
    for after, text in lines:
        site.tell(f"other 9 {ticket} {at + after:.3f} {text}")


def quiet(anna: Person, number: int) -> float:
    """The middle of a minute and a half in which the first till says nothing, after its newest ticket but so many."""
    anna.go("/log")
    return instants(anna, f"type=E&source=1&limit={number + 1}")[number] + 30


def base(anna: Person, at: float) -> float:
    """Go to the instant `at` and stand soon; the instant of the picture's second 0, in milliseconds."""
    anna.go(f"/replay/1?at={at:.3f}")
    anna.until("!v.paused && v.readyState >= 2 && v.currentTime > 0 && !v.seeking")
    hold(anna)
    shown = float(anna.page.url.partition("at=")[2])
    return shown * 1000 - float(anna.video("v.currentTime")) * 1000


def test_the_ticket_is_in_step_at_every_speed(anna: Person, site: PreviewProcess) -> None:
    """Each line is lit when its picture is, slow and fast, whatever other tills show; so it is after steps back."""
    at = quiet(anna, 4)
    names = ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"]
    say_past(site, at, *((0.5 * place, f"A|1|1|{name}|1,00") for place, name in enumerate(names)))
    zero = base(anna, at + 1)
    page = anna.page
    for speed, count in ((0.25, 2), (1, 4), (2, 6), (4, 6)):
        page.locator(f"#speeds [data-speed='{speed}']").click()
        page.locator("#ticket .standing").filter(has_text="TILL 9").locator("li").first.click()
        anna.until("v.readyState >= 3 && !v.seeking")
        page.wait_for_function("() => /ONE/.test(document.querySelector('#ticket li.now .d')?.textContent)")
        page.keyboard.press("k")
        page.wait_for_function("() => !document.querySelector('video').paused")
        seen = page.evaluate(IN_STEP, [zero, count])
        page.keyboard.press("k")
        assert len(seen) >= 2 and [name for name, _ in seen] == [name for name in names if name in dict(seen)], seen
        assert in_time([late for _, late in seen[1:]], 450 * max(1, speed)), (speed, seen)
    mine = page.locator("#ticket .standing").filter(has_text="TILL 9")
    mine.locator("li").nth(2).click()
    page.wait_for_function("() => /THREE/.test(document.querySelector('#ticket li.now .d')?.textContent)")
    page.keyboard.press(",")
    lit = "() => [...document.querySelectorAll('#ticket li.now .d')].some((e) => e.textContent === 'TWO')"
    page.wait_for_function(lit)  # a picture before the line: the line before it


def test_a_line_is_clicked_while_the_rest_of_its_ticket_comes(anna: Person, site: PreviewProcess) -> None:
    """What is drawn anew meanwhile is not taken away under the mouse."""
    at = quiet(anna, 6)
    say_past(site, at, (0, "A|1|1|FIRST|1,00"), (2, "A|1|1|SECOND|1,00"), ticket=899)
    page = anna.page
    held: list[Route] = []
    page.route("**/api/v1/tickets/899", lambda route: held.append(route))
    anna.prepare("")  # nobody gets this window afterwards
    base(anna, at + 2.5)
    line = page.locator("#ticket li").filter(has_text="FIRST")
    line.hover()
    page.mouse.down()
    anna.soon(lambda: held, "the question for the whole ticket")
    with page.expect_response("**/api/v1/tickets/899"):
        held[0].continue_()
    page.locator("#ticket .tk-total").filter(has_text="2 articles").wait_for()  # the whole of it stands there
    page.mouse.up()
    await_now(anna, clock(at))


def test_a_finished_ticket_comes_back_when_one_goes_back_before_the_next(anna: Person, site: PreviewProcess) -> None:
    """From the first line of a ticket back over the end of the one before; and across what was not recorded."""
    at = quiet(anna, 7)
    say_past(site, at, (0, "A|1|1|OLD|1,00"), (1, "E|CB|1,00|1,00"))
    say_past(site, at, (3, "A|1|1|NEW|1,00"), (3.5, "A|1|1|NEWER|1,00"), ticket=901)
    page = anna.page
    stands = "(name) => [...document.querySelectorAll('#ticket .standing li .d')].some((e) => e.textContent === name)"
    base(anna, at + 3.2)
    page.wait_for_function(stands, arg="NEW")
    page.wait_for_function(f"(name) => !({stands})(name)", arg="OLD")
    mine = page.locator("#ticket .standing").filter(has_text="TILL 9")
    mine.locator("li").first.click()
    # not the clock: the picture that is meant may begin a little later, in the next second
    page.wait_for_function("() => [...document.querySelectorAll('#ticket li.now .d')].at(-1)?.textContent === 'NEW'")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => [...document.querySelectorAll('#ticket .standing li.now.end')].length === 1")
    page.wait_for_function(f"() => ({stands})('OLD') && !({stands})('NEW')")


def test_steps_back_go_on_from_the_line_that_was_reached(anna: Person, site: PreviewProcess) -> None:
    """Also where its picture begins a little later, and while it plays: never the same line again and again."""
    at = quiet(anna, 8)
    say_past(site, at, *((2 * place, f"A|1|1|{name}|1,00") for place, name in enumerate(("ONE", "TWO", "THREE"))))
    base(anna, at + 4.5)
    lit = "(name) => [...document.querySelectorAll('#ticket li.now .d')].at(-1)?.textContent === name"
    anna.page.wait_for_function(lit, arg="THREE")
    anna.page.keyboard.press("ArrowUp")
    anna.page.wait_for_function(lit, arg="THREE")
    for name in ("TWO", "ONE"):
        anna.until("v.readyState >= 2 && !v.seeking")
        anna.page.evaluate("() => { document.querySelector('video').currentTime += 0.2; }")  # its picture begins so
        anna.page.keyboard.press("ArrowUp")
        anna.page.wait_for_function(lit, arg=name)


def test_a_ticket_over_a_gap_is_in_step_on_both_sides(anna: Person, site: PreviewProcess) -> None:
    anna.go("/replay/1")
    edges = anna.page.evaluate(
        "async () => { const t = Date.now(); const q = `start=${(t - 4000e3) / 1000}&stop=${t / 1000}`;"
        "const r = await (await fetch(`/api/v1/cameras/1/recordings?${q}`)).json();"
        "return [Date.parse(r.spans[0].stop) / 1000, Date.parse(r.spans[1].start) / 1000]; }"
    )
    texts = ((-2, "BEFORE"), (-1, "LAST"))
    say_past(site, edges[0], *((after, f"A|1|1|{name}|1,00") for after, name in texts), ticket=902)
    say_past(site, edges[1], (1, "A|1|1|BEHIND|1,00"), (2, "A|1|1|LATER|1,00"), ticket=903)
    zero = base(anna, edges[0] - 6)
    anna.page.keyboard.press("Space")
    seen = anna.page.evaluate(IN_STEP, [zero, 4])
    assert [name for name, _ in seen] == ["BEFORE", "LAST", "BEHIND", "LATER"]
    assert in_time([late for _, late in seen[1:]], 400), seen


def test_a_nudge_moves_the_past_of_its_till(anna: Person, site: PreviewProcess) -> None:
    """A second later for till 9: its old lines are lit a second later, on this page and when it is opened again."""
    at = quiet(anna, 10)
    say_past(site, at, (0, "A|1|1|SHIFTED|1,00"), (2, "A|1|1|NEXT|1,00"), ticket=904)
    base(anna, at + 0.3)
    page = anna.page
    mine = page.locator("#ticket .standing").filter(has_text="TILL 9")
    mine.locator("li").first.click()  # a busy machine may have held the picture late
    await_now(anna, clock(at))
    mine.locator("li.now").wait_for()
    expect(page.locator("#nudge")).to_be_visible()
    with page.expect_request(lambda request: request.method == "PATCH" and request.url.endswith("/sources/9")):
        page.locator("#nudge [data-step='1000']").click()
    mine.locator("li.now").wait_for(state="detached")
    base(anna, at + 1.2)  # kept for all recordings
    mine.locator("li").filter(has_text="SHIFTED").click()
    await_now(anna, clock(at + 1))
    mine.locator("li.now").filter(has_text="SHIFTED").wait_for()


def test_a_nudge_is_kept_though_the_page_is_left_at_once(anna: Person, site: PreviewProcess) -> None:
    at = quiet(anna, 12)
    say_past(site, at, (0, "A|1|1|LEFT|1,00"), ticket=905)
    base(anna, at + 2.3)
    page = anna.page
    page.locator("#ticket .standing").filter(has_text="TILL 9").locator("li").first.wait_for()
    kept = (
        "async () => (await (await fetch('/api/v1/sources')).json())"
        ".items.find(({ source }) => source === '9')?.offset_ms ?? 0"
    )
    before = page.evaluate(kept)
    page.locator("#nudge [data-step='-200']").click()
    page.locator("#nudge [data-step='-200']").click()
    page.goto("about:blank")
    anna.go("/log")
    anna.soon(lambda: page.evaluate(kept) == before - 400, "the nudge")
