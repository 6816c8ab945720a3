"""How the pages lie in windows of four sizes: nothing scrolls sideways, is cut, covers a picture or hides the focus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
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
# what the Tab key reaches, and how large it is
STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
  .filter((e) => !e.disabled && e.type !== 'hidden' && e.checkVisibility() && !e.matches('.vh, .skip'))
  .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect().width, e.getBoundingClientRect().height])"""
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


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes have no more than a hair in common."""
    return (
        one["x"] + one["width"] <= other["x"] + 1
        or other["x"] + other["width"] <= one["x"] + 1
        or one["y"] + one["height"] <= other["y"] + 1
        or other["y"] + other["height"] <= one["y"] + 1
    )


def moving_tile(anna: Person, number: int) -> Any:
    """The tile of a camera on the wall once its picture moves."""
    anna.page.wait_for_selector(f".tile:nth-child({number}) .pic.moving")
    anna.page.wait_for_timeout(200)  # a new shape is laid out with the next picture of the screen
    return anna.page.locator(f".tile:nth-child({number})")


@pytest.mark.parametrize(("language", "sizes"), (("fr", (*SIZES, SMALLEST)), ("ru", (SMALLEST,))))  # the long words
def test_no_page_scrolls_sideways_and_every_focus_stop_is_seen(
    browser: Browser, site: PreviewProcess, language: str, sizes: tuple[tuple[int, int], ...]
) -> None:
    with sized(browser, site, PHONE, language) as anna:
        for path in PAGES:
            anna.go(path)
            anna.page.wait_for_timeout(400)  # what it asks the server for has come
            for size in each_size(anna, sizes):
                wide = anna.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size[0], f"{path} in {language} is {wide} wide in a window of {size[0]}"
                for element, width, height in anna.page.evaluate(STOPS):
                    assert min(width, height) >= 14, f"{path} in {language}: {element} is {width} x {height}"


@pytest.mark.parametrize("size", SIZES)
def test_the_film_strip_keeps_the_shape_of_its_tiles(browser: Browser, site: PreviewProcess, size: Any) -> None:
    with sized(browser, site, size) as anna:
        anna.go("/live/1")
        anna.page.wait_for_selector("#films img:not([hidden])")
        films = anna.page.locator("#films .film").evaluate_all(
            f"(all) => all.map((e) => [({BOX})(e), ({BOX})(e.parentElement.querySelector('span'))])"
        )
        assert len(films) == 4
        for box, name in films:
            assert abs(box["width"] / box["height"] - 16 / 9) < 0.05 and box["width"] < 220
            assert apart(box, name)  # its name is not on the picture
        assert anna.page.locator("#films img").first.evaluate("e => getComputedStyle(e).objectFit") == "contain"
        assert anna.page.locator("#films [aria-current]").count() == 1


@pytest.mark.parametrize("size", SIZES)
def test_the_wall_shows_whole_pictures_and_nothing_on_them(browser: Browser, site: PreviewProcess, size: Any) -> None:
    with sized(browser, site, size) as anna:
        site.tell("sell")
        anna.go("/wall")
        tile = moving_tile(anna, 1)
        anna.page.wait_for_selector(".tile .strip:not([hidden])")
        anna.page.wait_for_timeout(200)
        picture = tile.locator("video").evaluate(DRAWN)
        assert picture["fit"] == "contain"
        assert apart(picture, tile.locator(".strip").evaluate(BOX))
        assert not tile.locator(".moment").is_visible()  # one clock for all: that of the bar
        bar, ground = anna.page.locator(".wallbar").evaluate(BOX), anna.page.locator("#mosaic").evaluate(BOX)
        assert apart(bar, ground) and "of 4 cameras" in (anna.page.text_content("#wall-state") or "")
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
        assert stop.evaluate(BOX) == tile.evaluate(BOX)
        anna.page.locator(".tile").nth(3).locator(".lostwords a").focus()
        anna.page.keyboard.press("Tab")
        assert stop.evaluate("e => e === document.activeElement")
        assert "inset" in stop.evaluate("e => getComputedStyle(e, '::after').boxShadow")
        tile.locator(".lostwords a").click()  # the words' own way lies above
        anna.page.wait_for_url("**/cameras/4")


def test_a_sentence_never_lies_on_the_name_of_its_camera(browser: Browser, site: PreviewProcess) -> None:
    for size, language in ((SMALLEST, "ru"), (PHONE, "fr"), (TABLET, "ru")):
        with sized(browser, site, size, language) as anna:
            for path, words in (("/live/4", ".lostwords"), ("/live/3", ".picnote"), ("/replay/1", ".picnote")):
                anna.go(path)
                anna.page.wait_for_selector(
                    f"#picture {'figcaption' if 'replay' in path else words + ':not([hidden])'}"
                )
                name, *told = anna.page.locator("#picture").evaluate(SAID, words)
                assert told and all(apart(box, name) for box in told), (path, size)
            anna.go("/wall")
            anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
            lost = anna.page.locator(".pic.lost")
            assert apart(lost.locator("strong").evaluate(BOX), lost.locator(".tag.tl").evaluate(BOX))


@pytest.mark.parametrize("size", (LAPTOP, TABLET))
def test_live_and_replay_have_one_column_in_narrow_windows(browser: Browser, site: PreviewProcess, size: Any) -> None:
    with sized(browser, site, size) as anna:
        for path, beside in (("/live/1", "#tickets"), ("/replay/1", "#ticket")):
            anna.go(path)
            anna.until("v.videoWidth > 0 && v.readyState >= 2")
            anna.page.evaluate(LAID_OUT)
            picture, ticket = anna.page.locator("#picture").evaluate(BOX), anna.page.locator(beside).evaluate(BOX)
            assert picture["width"] == size[0] and ticket["y"] >= picture["y"] + picture["height"]
        lanes = anna.page.locator(".lanes").evaluate(BOX)
        assert lanes["y"] + lanes["height"] <= size[1]  # picture and timeline are seen together
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
        assert row.evaluate(BOX)["y"] < 560
        fold = anna.page.locator("#show-filters")
        assert fold.get_attribute("aria-expanded") == "false" and "1 filter" in (fold.text_content() or "")
        assert not anna.page.locator("#till").is_visible()
        fold.focus()
        anna.page.keyboard.press("Enter")
        assert fold.get_attribute("aria-expanded") == "true" and anna.page.locator("#till").is_visible()
        anna.page.click("#clear")
        anna.page.wait_for_function("() => document.getElementById('show-filters').textContent === 'Filters'")
        assert not anna.page.locator("#clear").is_visible()  # there is nothing to clear any more
    with sized(browser, site, DESK) as anna:
        anna.go("/log")
        assert anna.page.locator("#till").is_visible() and not anna.page.locator("#show-filters").is_visible()


def test_the_journal_names_a_camera_and_a_person_once(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/journal")
        anna.page.wait_for_selector(".journal time")
        for words in anna.page.locator(".journal .what").all_text_contents():
            assert words.count("Till 1") <= 1 and words.count("anna") <= 1, words
        assert anna.page.locator(".journal .what p").count() == 0


def test_the_lines_of_a_replayed_ticket_are_buttons(browser: Browser, site: PreviewProcess) -> None:
    with sized(browser, site, DESK) as anna:
        anna.go("/log")
        anna.page.locator("a.hit").nth(30).click()
        line = anna.page.locator("#ticket li").first
        button = line.get_by_role("button")
        time = line.locator("time").text_content() or ""
        assert time in (button.text_content() or "")
        for key in ("Enter", "Space"):
            button.focus()
            anna.page.keyboard.press(key)
            anna.page.wait_for_function(f"() => document.getElementById('now').textContent >= '{time}'")


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
