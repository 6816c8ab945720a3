"""How the pages lie in windows of four sizes: nothing scrolls sideways, is cut, covers a picture or hides the focus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, expect
from support.browser import Person, PreviewProcess, person
from support.needs import needs

pytestmark = needs("chromium")
DESK, LAPTOP, TABLET, PHONE = (1440, 900), (1180, 820), (800, 1000), (390, 844)
SIZES = (DESK, LAPTOP, TABLET, PHONE)
SMALLEST = (360, 740)
LANGUAGES = ("en", "fr", "ru")
PAGES = (
    "/live/1",
    "/live/2",
    "/wall",
    "/replay/1",
    "/log",
    "/cameras",
    "/cameras/1",
    "/journal",
    "/alarms",
    "/contacts",
    "/disconnections",
    "/account",
    "/mail",
    "/mail/journal",
    "/people",
    "/prisma",
)
# how wide the page is, and what the Tab key reaches that is too small to be seen; laid out with the next picture
STOPS = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const small = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
    .filter((e) => !e.disabled && e.type !== 'hidden' && !e.matches('.vh, .skip') && e.checkVisibility())
    .map((e) => [e, e.getBoundingClientRect()]).filter(([, { width, height }]) => Math.min(width, height) < 14)
    .map(([e, { width, height }]) => `${e.outerHTML.slice(0, 90)} is ${width} x ${height}`);
  done([document.documentElement.scrollWidth, small]);
})))"""
LABELS = """(labels) => labels.map((e) => [
  e.textContent.trim(),
  e.querySelector('input') !== null,
  e.scrollHeight / parseFloat(getComputedStyle(e).lineHeight),
  e.scrollWidth <= e.parentElement.clientWidth + 1,
])"""
# the next picture of the screen, all observers served
LAID_OUT = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"
BOX = "e => { const { x, y, width, height } = e.getBoundingClientRect(); return { x, y, width, height }; }"
# of the timeline: its own box, that of the flag, those of all marks, those of the hours that are seen
LANES = """(e) => {
  const box = (one) => { const { x, y, width, height } = one.getBoundingClientRect(); return { x, y, width, height }; };
  const all = (words) => [...e.querySelectorAll(words)];
  const hours = all('.x-hour.strong').filter((one) => one.checkVisibility({ visibilityProperty: true }));
  return [box(e), box(e.querySelector('.m-flagt')), all('rect:not(.m-flag)').map(box), hours.map(box)];
}"""
# where the picture itself lies in an element that shows it whole
DRAWN = """(e) => {
  const { x, y, width, height } = e.getBoundingClientRect();
  const ratio = (e.videoWidth || e.width) / (e.videoHeight || e.height);
  const style = getComputedStyle(e);
  const [across, down] = style.objectPosition.split(' ').map((share) => parseFloat(share) / 100);
  const [w, h] = [Math.min(width, height * ratio), Math.min(height, width / ratio)];
  return { fit: style.objectFit, x: x + (width - w) * across, y: y + (height - h) * down, width: w, height: h };
}"""
# the boxes of the name of a camera and of what is said on its picture: taken before the page says something else
SAID = """(e, words) => {
  const note = e.querySelector('.picnote');
  if (words === '.picnote') {
    note.textContent = 'x '.repeat(70);
    note.hidden = false;
    e.classList.add('noted');
  }
  const said = [...e.querySelectorAll(`${words} > *, .picnote:not([hidden])`)].filter((one) => one.checkVisibility());
  return [e.querySelector('.tag.tl'), ...said].map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return { x, y, width, height };
  });
}"""


def sized(browser: Browser, site: PreviewProcess, size: tuple[int, int], language: str = "en") -> Any:
    """Anna in a window of this size."""
    return person(browser, site.address, viewport=dict(zip(("width", "height"), size, strict=True)), locale=language)


def each_size(anna: Person, sizes: tuple[tuple[int, int], ...] = (*SIZES, SMALLEST)) -> Iterator[tuple[int, int]]:
    """All sizes, her window brought to each."""
    for width, height in sizes:
        anna.page.set_viewport_size({"width": width, "height": height})
        anna.page.evaluate(LAID_OUT)
        yield width, height


def filled(anna: Person, path: str) -> None:
    """Open a page, and wait until all that it asks the server for has come."""
    unanswered: set[Request] = set()

    def asked(request: Request) -> None:
        if request.resource_type == "fetch":
            unanswered.add(request)

    def answered(request: Request) -> None:
        unanswered.discard(request)

    hearing = {"request": asked, "requestfinished": answered, "requestfailed": answered}
    for event, heard in hearing.items():
        anna.page.on(event, heard)  # type: ignore[call-overload]
    anna.go(path)
    for _ in range(2):  # an answer may lead to another question
        anna.soon(lambda: not unanswered, f"the last answer to {path}")
        anna.page.evaluate(LAID_OUT)
    for event, heard in hearing.items():
        anna.page.remove_listener(event, heard)


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes have no more than a hair in common."""
    return (
        one["x"] + one["width"] <= other["x"] + 1
        or other["x"] + other["width"] <= one["x"] + 1
        or one["y"] + one["height"] <= other["y"] + 1
        or other["y"] + other["height"] <= one["y"] + 1
    )


@pytest.mark.parametrize(("language", "sizes"), (("fr", (*SIZES, SMALLEST)), ("ru", (SMALLEST,))))  # the long words
def test_no_page_scrolls_sideways_and_every_focus_stop_is_seen(
    browser: Browser, site: PreviewProcess, language: str, sizes: tuple[tuple[int, int], ...]
) -> None:
    with sized(browser, site, PHONE, language) as anna:
        for path in PAGES:
            filled(anna, path)
            for width, height in sizes:
                anna.page.set_viewport_size({"width": width, "height": height})
                wide, small = anna.page.evaluate(STOPS)
                assert wide <= width, f"{path} in {language} is {wide} wide in a window of {width}"
                assert not small, f"{path} in {language} in a window of {width}: {small}"


def test_the_film_strip_keeps_the_shape_of_its_tiles(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/live/1")
        anna.page.wait_for_selector("#films img:not([hidden])")
        expect(anna.page.locator("#films .film")).to_have_count(4)
        expect(anna.page.locator("#films img").first).to_have_css("object-fit", "contain")
        expect(anna.page.locator("#films [aria-current]")).to_have_count(1)
        for size in each_size(anna, SIZES):
            films = anna.page.locator("#films .film").evaluate_all(
                f"(all) => all.map((e) => [({BOX})(e), ({BOX})(e.parentElement.querySelector('span'))])"
            )
            for box, name in films:
                assert abs(box["width"] / box["height"] - 16 / 9) < 0.05 and box["width"] < 220, size
                assert apart(box, name), size  # its name is not on the picture


def test_the_wall_shows_whole_pictures_and_nothing_on_them(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        site.tell("sell")
        anna.go("/wall")
        anna.page.wait_for_selector(".tile:nth-child(1) .pic.moving")
        anna.page.wait_for_selector(".tile:nth-child(1) .strip:not([hidden])")
        expect(anna.page.locator("#wall-state")).to_contain_text("of 4 cameras")
        tile = anna.page.locator(".tile:nth-child(1)")
        expect(tile.locator(".moment")).to_be_hidden()  # one clock for all: that of the bar
        for size in each_size(anna, SIZES):

            def seen_whole() -> bool:
                picture = tile.locator("video").evaluate(DRAWN)
                return picture["fit"] == "contain" and apart(picture, tile.locator(".strip").evaluate(BOX))

            anna.soon(seen_whole, f"a whole picture in a window of {size}")
            bar, ground = anna.page.locator(".wallbar").evaluate(BOX), anna.page.locator("#mosaic").evaluate(BOX)
            assert apart(bar, ground), size
            if size != PHONE:
                assert anna.page.evaluate("document.documentElement.scrollHeight") <= size[1]


def test_the_grid_of_the_wall_is_the_one_with_the_largest_pictures(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/wall")
        module = anna.page.evaluate("document.querySelector('script[src*=wall]').src.replace('wall', 'mosaic')")
        ask = """async ([module, width, height, shapes]) => {
          const { largestGrid, used, cell } = await import(module);
          const tiles = shapes.map(([ratio, till]) => ({ ratio, till }));
          const grid = largestGrid(width, height, tiles);
          return [grid.columns, grid.rows, used(...cell(width, height, grid), tiles[0]).place];
        }"""

        def grid(width: int, height: int, *shapes: tuple[float, bool]) -> list[Any]:
            return anna.page.evaluate(ask, [module, width, height, shapes])  # type: ignore[no-any-return]

        old, wide = 4 / 3, 16 / 9
        assert grid(1440, 782, (old, True), (old, True)) == [2, 1, "under"]
        assert grid(800, 880, (wide, False), (wide, False)) == [1, 2, ""]
        assert grid(1440, 782, *[(old, True)] * 4) == [2, 2, "beside"]
        assert grid(1440, 782, *[(wide, False)] * 9) == [3, 3, ""]
        assert grid(1440, 782, (wide, False)) == [1, 1, ""]


def test_the_focus_is_seen_on_the_tile_of_a_lost_camera(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/wall")
        anna.page.wait_for_selector(".tile:nth-child(4) .pic.lost")
        tile, stop = anna.page.locator(".tile").nth(3), anna.page.locator(".tile").nth(3).locator(".opens")
        anna.page.wait_for_function(
            f"() => {{ const tile = document.querySelectorAll('.tile')[3]; const box = {BOX};"
            " return JSON.stringify(box(tile)) === JSON.stringify(box(tile.querySelector('.opens'))); }"
        )
        tile.locator(".lostwords a").focus()
        anna.page.keyboard.press("Tab")
        expect(stop).to_be_focused()
        anna.page.wait_for_function(
            "() => getComputedStyle(document.activeElement, '::after').boxShadow.includes('inset')"
        )
        tile.locator(".lostwords a").click()  # the words' own way lies above
        anna.page.wait_for_url("**/cameras/4")


def test_a_sentence_never_lies_on_the_name_of_its_camera(browser: Browser, site: PreviewProcess) -> None:
    for language, sizes in (("ru", (SMALLEST, TABLET)), ("fr", (PHONE,))):
        with sized(browser, site, sizes[0], language) as anna:
            for path, words in (("/live/4", ".lostwords"), ("/live/3", ".picnote"), ("/replay/1", ".picnote")):
                anna.go(path)
                anna.page.wait_for_selector(
                    f"#picture {'figcaption' if 'replay' in path else words + ':not([hidden])'}"
                )
                for size in each_size(anna, sizes):
                    name, *told = anna.page.locator("#picture").evaluate(SAID, words)
                    assert told and all(apart(box, name) for box in told), (path, size)
            anna.go("/wall")
            anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
            lost = anna.page.locator(".pic.lost")
            for size in each_size(anna, sizes):
                assert apart(lost.locator("strong").evaluate(BOX), lost.locator(".tag.tl").evaluate(BOX)), size


def test_live_and_replay_have_one_column_in_narrow_windows(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, LAPTOP) as anna:
        for path, beside in (("/live/1", "#tickets"), ("/replay/1", "#ticket")):
            anna.go(path)
            anna.until("v.videoWidth > 0 && v.readyState >= 2")
            for size in each_size(anna, (LAPTOP, TABLET)):
                picture, ticket = anna.page.locator("#picture").evaluate(BOX), anna.page.locator(beside).evaluate(BOX)
                assert picture["width"] == size[0] and ticket["y"] >= picture["y"] + picture["height"], (path, size)
                if "replay" not in path:
                    continue
                lanes = anna.page.locator(".lanes").evaluate(BOX)
                assert lanes["y"] + lanes["height"] <= size[1], size  # picture and timeline are seen together
                if size == TABLET:
                    assert anna.page.locator("video").evaluate(DRAWN)["width"] > 0.95 * size[0]  # no slabs at its sides


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_label_of_the_filters_is_one_line(browser: Browser, site: PreviewProcess, language: str) -> None:
    with sized(browser, site, PHONE, language) as anna:
        anna.go("/log")
        anna.page.click("#show-filters")
        for size in each_size(anna):
            for text, ticked, lines, fits in anna.page.locator("#filters label").evaluate_all(LABELS):
                assert lines < (2 if ticked else 1.5) and fits, (size, text)


def test_the_filters_are_folded_on_a_phone(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, PHONE) as anna:
        anna.go("/log?q=type:S")
        row = anna.page.locator("#rows .hit").first
        row.wait_for()
        anna.page.wait_for_function("() => document.querySelector('#rows .hit').getBoundingClientRect().y < 560")
        fold, till = anna.page.locator("#show-filters"), anna.page.locator("#till")
        expect(fold).to_have_attribute("aria-expanded", "false")
        expect(fold).to_contain_text("1 filter")
        expect(till).to_be_hidden()
        fold.focus()
        anna.page.keyboard.press("Enter")
        expect(fold).to_have_attribute("aria-expanded", "true")
        expect(till).to_be_visible()
        anna.page.click("#clear")
        expect(fold).to_have_text("Filters")
        expect(anna.page.locator("#clear")).to_be_hidden()  # there is nothing to clear any more
    with sized(browser, site, DESK) as anna:
        anna.go("/log")
        expect(anna.page.locator("#till")).to_be_visible()
        expect(anna.page.locator("#show-filters")).to_be_hidden()


def test_the_journal_names_a_camera_and_a_person_once(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/journal")
        rows = anna.page.locator(".journal .what")
        expect(rows).to_have_count(4)
        expect(rows.filter(has_text=re.compile("(Till 1|anna).*\\1"))).to_have_count(0)
        expect(anna.page.locator(".journal .what p")).to_have_count(0)


def test_the_lines_of_a_replayed_ticket_are_buttons(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/log")
        with anna.answered("/api/v1/tickets/"):
            anna.page.locator("a.hit").nth(30).click()
        anna.page.wait_for_selector("#ticket li.now")
        anna.page.keyboard.press("k")
        anna.until("v.paused")
        times = anna.page.locator("#ticket li time").all_text_contents()  # those of the whole ticket
        for key, place in (("Enter", 0), ("Space", 1)):
            button = anna.page.locator("#ticket li").nth(place).get_by_role("button")
            expect(button).to_contain_text(times[place])
            button.focus()
            anna.page.keyboard.press(key)
            expect(anna.page.locator("#now")).to_have_text(times[place])


def test_what_the_phones_bar_has_no_room_for_is_in_the_menu(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, PHONE) as anna:
        anna.go("/log")
        anna.page.click(".person summary")
        anna.page.click(".menu a[href='/journal']")
        anna.page.wait_for_url("**/journal")


def test_nothing_of_the_timeline_lies_outside_it(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/log?q=type:D")
        anna.page.locator("a.hit").nth(2).click()  # the end of a long ticket
        anna.page.wait_for_selector("#ticket li.now")
        anna.page.keyboard.press("Space")
        anna.page.click("#zooms [data-seconds='60']")  # its beginning is before what is shown
        anna.page.wait_for_selector("#timeline .m-tick")
        lanes, flag, marks, hours = anna.page.locator("#timeline").evaluate(LANES)  # it is drawn anew again and again
        for box in marks:
            assert box["x"] >= lanes["x"] - 1 and box["x"] + box["width"] <= lanes["x"] + lanes["width"] + 1
        assert marks and all(apart(hour, flag) for hour in hours)
