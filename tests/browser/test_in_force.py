"""The current bans and protections on the page: listed, drawn and lifted; and all of that by keyboard alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.moderators_page import Moderator, open_as_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ENOUGH = "--charges", "1000", "--charge-seconds", "0.01"
OUTLINE = (154, 52, 18)
MOST_TABS = 120  # more than the page with its panel needs
MOST_GAP_PX = 10
VANDAL = "b" * 16
# Between each heading and its list: an empty element, only there to be read out later, takes no room.
_GAPS = """[...document.querySelectorAll('.moderation section:has(> ul)')].map((section) => {
    const [heading, list] = ['h3', 'ul'].map((part) => section.querySelector(part).getBoundingClientRect())
    return list.top - heading.bottom
})"""


def _tab_to(window: CanvasPage, selector: str, *, text: str = "") -> None:
    """Press Tab until the focus is on an element that `selector` finds, with this text."""
    focused = f"document.activeElement.matches({json.dumps(selector)}) && document.activeElement.textContent.includes("
    for _ in range(MOST_TABS):
        if window.ask(f"{focused}{json.dumps(text)})"):
            return
        window.page.keyboard.press("Tab")
    pytest.fail(f"no {selector} {text!r} is reached by keyboard")


def _press(window: CanvasPage, selector: str, *, text: str = "") -> None:
    _tab_to(window, selector, text=text)
    window.page.keyboard.press("Enter")


def _says(window: CanvasPage, where: str, text: str) -> None:
    place = window.page.locator(where)
    window.wait_until(lambda: text in place.inner_text(), f"{where} says {text!r}")


def _is_in_sight(window: CanvasPage, what: str) -> bool:
    body, box = (window.page.locator(one).bounding_box() for one in ("#panel-body", what))
    assert body
    assert box
    return body["y"] <= box["y"] + 1 and box["y"] + box["height"] <= body["y"] + body["height"] + 1


def test_bans_and_protections_are_listed_drawn_and_lifted_by_keyboard(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), fresh_window()
    moderator = Moderator(server, window)
    moderator.act("ban", author=VANDAL, until="2096-01-01T12:00:00Z")
    moderator.act("ban", author="c" * 16)
    moderator.act("protect", area=[10, 10, 20, 10])
    open_as_host(window, server)
    _says(window, ".bans", "bbbbbb · until Jan 1, 2096")
    _says(window, ".bans", "cccccc · for good")
    _says(window, ".protections", "at 10, 10")
    moderator.act("ban", author="d" * 16)
    _says(window, ".bans", "dddddd · for good")  # another moderator's act appears by itself
    _says(window, ".acts", "dddddd")
    moderator.act("unban", author="d" * 16)
    edge = window.state()["view"]["scale"] / 2
    window.wait_until(lambda: window.drawn(10, 15, beside_px=edge) == OUTLINE, "the area is outlined")
    window.wait_until(lambda: window.page.locator(".bans li").count() == 2, "a ban lifted by another is gone")
    held: list[Route] = []
    window.page.route("**/acts/bans?*", lambda route: held.append(route))
    _press(window, ".bans button", text="Lift")
    window.wait_until(lambda: held, "it is done, and the page asks for the list again")
    window.page.keyboard.press("Enter")  # a second press does nothing while the button is there
    window.page.unroute("**/acts/bans?*")  # lets the held requests go
    window.wait_until(lambda: window.page.locator(".bans li").count() == 1, "one ban is lifted")
    assert window.ask("document.activeElement.textContent") == "Banned now"  # not the next one's button
    assert [it["author"] for it in moderator.listed("bans")] == [VANDAL]
    window.page.get_by_role("navigation", name="Go to").get_by_role("button", name="Protected now").click()
    assert window.ask("document.activeElement.textContent") == "Protected now"
    assert max(window.ask(_GAPS)) <= MOST_GAP_PX
    _press(window, ".protections button", text="Lift")
    _says(window, ".protections", "Nothing is.")
    window.wait_until(lambda: window.drawn(10, 15, beside_px=edge) != OUTLINE, "the outline is gone")
    assert moderator.listed("protections") == []
    lifted = window.page.locator(".acts li", has_text="Lift a ban")
    assert [lifted.count(), window.page.locator(".moderation .trouble").count()] == [2, 0]


def test_a_ban_a_wipe_with_a_preview_and_an_undo_are_done_by_keyboard_alone(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    for x in (3, 4):
        server.paint(x, 5, 5)
    open_as_host(window, server)
    keys = window.page.keyboard
    _tab_to(window, ".moderation input[name=x]")
    for number in ("0", "0", "10", "10"):
        keys.type(number)
        keys.press("Tab")
    _press(window, ".moderation button", text="Who painted here?")
    _says(window, ".moderation form .result", "2 pixels that somebody painted")
    assert _is_in_sight(window, ".moderation form .result")  # although the pressed button is far above it
    _tab_to(window, ".moderation .painters input")
    keys.press("Space")
    _tab_to(window, ".moderation select")
    keys.type("Ban")
    _press(window, ".moderation button", text="Do it")
    _says(window, ".bans", "until")
    hint = window.page.get_by_text("not only those of the authors above")
    assert not hint.is_visible()
    _tab_to(window, ".moderation select")
    keys.type("Wipe")
    window.wait_until(hint.is_visible, "the hint says that a wipe doesn't need the author")
    _press(window, ".moderation button", text="Preview")
    _says(window, ".moderation form .result", "2 pixels change.")
    _press(window, ".moderation button", text="Do it")
    _says(window, ".moderation form .result", "Done: 2 pixels.")
    _says(window, ".acts", "Wipe")
    _press(window, ".acts button[aria-label='Undo: Wipe']")
    _says(window, ".acts", "undone")
    window.wait_until_equal(server)
    assert [server.canvas().indexes[5, x] for x in (3, 4)] == [5, 5]
    assert window.ask("document.activeElement.textContent") == "What was done"  # not at the page's top again


def test_the_second_half_of_a_double_click_does_nothing_also_where_the_first_is_done_by_then(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    moderator = Moderator(server, window)
    for author in ("b", "c"):
        moderator.act("ban", author=author * 16)
    open_as_host(window, server)
    bans, acts = window.page.locator(".bans button"), window.page.locator(".acts li")
    window.wait_until(lambda: bans.count() == 2, "both are listed")
    bans.last.click()
    window.wait_until(lambda: [bans.count(), acts.count()] == [1, 3], "one is lifted, and both lists show it")
    _click_again(window, bans.last)
    close = window.page.get_by_role("button", name="Close now")
    close.click()
    window.wait_until(lambda: acts.count() == 4, "it is closed")
    _click_again(window, close)
    window.page.get_by_role("button", name="Open now").click()
    window.wait_until(lambda: acts.count() >= 5, "it is open again")
    assert [len(moderator.listed("bans")), acts.count()] == [1, 5]


def _click_again(window: CanvasPage, button: Locator) -> None:
    """Click so soon after another click that browsers count them as a double click."""
    button.hover()
    window.page.mouse.down(click_count=2)
    window.page.mouse.up(click_count=2)


def test_whoever_is_refused_in_a_protected_area_is_shown_it(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    Moderator(server, window).act("protect", area=[10, 10, 20, 10])
    outlines = window.requests("protected_areas.js")
    window.open(server.url)
    window.click(15, 15)
    window.wait_until(lambda: "Only moderators" in window.message, "it says why")
    window.wait_until(outlines, "the outline is loaded")


def test_while_the_server_works_it_says_so_and_where_nobody_tells_it_does_not_say_that_it_failed(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), fresh_window()
    open_as_host(window, server)
    held: list[Route] = []
    window.page.route(
        "**/acts", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    window.page.get_by_role("button", name="Close now").click()
    _says(window, ".event .answer", "Under way.")
    assert window.page.locator(".event progress").is_visible()
    window.wait_until(lambda: held, "it was asked for")
    held[0].abort()
    _says(window, ".event .answer", "The server may still be at work")
    assert _is_in_sight(window, ".event .answer")


def test_texts_of_others_turn_nothing_around(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), fresh_window()
    turning = "\u202eabc"
    done = {"id": 7, "kind": "close", "time": "2026-01-01T00:00:00Z", "by": VANDAL, "name": turning, "done": True}
    report = {"id": 1, "time": done["time"], "area": [1, 1, 1, 1], "text": turning, "author": VANDAL, "state": "new"}
    acts = {"acts": [{**done, "undone": True, "reason": turning}], "next": None, "older": "not-kept"}
    reports = {"reports": [{**report, "picture": {"png": ""}}], "next": None}
    window.page.route("**/acts?*", lambda route: route.fulfill(json=acts))
    window.page.route("**/reports?*", lambda route: route.fulfill(json=reports))
    open_as_host(window, server)
    _says(window, ".acts", turning)
    ends = window.page.locator(".moderation .end:visible").all_inner_texts()
    assert ends == ["There may be earlier ones, which this server can no longer list."]
    window.wait_until(window.page.locator(".reports .said").is_visible, "the report is there")
    # The text after a name is drawn after it.
    behind = """(name) => {
        const range = document.createRange()
        range.selectNode(name.nextSibling)
        const [here, next] = [name.getClientRects()[0], range.getClientRects()[0]]
        return next.left >= here.right - 1 || next.top >= here.bottom - 1
    }"""
    assert window.page.locator(".acts bdi").first.evaluate(behind)
    for text in window.page.locator(".moderation :is(bdi, .said)").all():
        assert text.evaluate("(it) => getComputedStyle(it).unicodeBidi") in ("isolate", "plaintext")
