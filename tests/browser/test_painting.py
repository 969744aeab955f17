"""Painting in a real browser: what the page draws at once, how an edit ends, and what other people see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.canvas_page import CanvasPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Route

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

RED, BLUE = 5, 13
NOTHING_PLACED = "log-unavailable", "writer-full", "shutting-down", "not-ready", "too-many-connections"
OUTLINE_PX = 2.5  # the outline's middle is this far outside an own pixel


def test_a_pixel_painted_in_one_window_is_drawn_in_the_other(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    palette = server.palette()
    painting, watching = new_window(), new_window()
    painting.open(server.url)
    watching.open(server.url)
    painting.choose(RED)
    painting.click(10, 7)
    watching.wait_until(lambda: watching.drawn(10, 7) == palette[RED], "the other window draws the pixel")
    watching.choose(BLUE)
    watching.click(11, 7)
    painting.wait_until(lambda: painting.drawn(11, 7) == palette[BLUE], "it works the other way round")
    assert painting.drawn(10, 7) == palette[RED]
    painting.wait_until_equal(server)
    watching.wait_until_equal(server)
    assert painting.own_pixels() == watching.own_pixels() == []


def test_an_own_pixel_is_drawn_at_once_and_marked_until_the_canvas_has_it(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    palette = server.palette()
    window = fresh_window()
    window.open(server.url)
    held: list[Route] = []
    window.page.route("**/edit", lambda route: held.append(route))
    window.choose(RED)
    window.click(20, 20)
    window.wait_until(lambda: held, "the edit is posted")
    edge_px = window.state()["view"]["scale"] / 2 + OUTLINE_PX
    assert window.own_pixels() == [(20, 20, RED, "pending")]
    window.wait_until(lambda: window.drawn(20, 20) == palette[RED], "it is drawn before any answer")
    assert window.drawn(20, 20, beside_px=edge_px) != palette[0]
    assert window.indexes()[20, 20] == 0
    held[0].continue_()
    window.wait_until(lambda: not window.own_pixels(), "it is confirmed")
    window.page.mouse.move(1, 1)  # away, so that the hover's outline is gone too
    window.wait_until(lambda: window.drawn(20, 20, beside_px=edge_px) == palette[0], "its mark is gone")
    assert window.drawn(20, 20) == palette[RED]
    window.wait_until_equal(server)


def test_an_own_pixel_refused_for_the_cooldown_is_taken_back_with_the_reason(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--cooldown", "300")
    palette = server.palette()
    window = new_window()
    window.open(server.url)
    assert window.state()["charges"] == 1
    server.paint(1, 1, BLUE)  # the same address spends the only charge without the window
    window.choose(RED)
    window.click(30, 30)
    window.wait_until(lambda: "ready in" in window.message, "the page tells the refusal")
    assert window.own_pixels() == []
    window.page.mouse.move(1, 1)
    window.wait_until(lambda: window.drawn(30, 30) == palette[0], "the pixel is taken back")
    assert window.state()["charges"] == 0
    assert "next in" in window.page.locator("#next").inner_text()
    window.wait_until_equal(server)


def test_without_a_charge_left_nothing_is_sent(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--cooldown", "300")
    window = new_window()
    window.open(server.url)
    window.click(3, 3)
    window.wait_until(lambda: window.indexes()[3, 3] != 0, "the first pixel is placed")
    posts = window.collect("request", lambda request: request.url if request.method == "POST" else None)
    window.click(4, 4)
    window.wait_until(lambda: "ready in" in window.message, "the page says why not")
    assert (posts(), window.own_pixels()) == ([], [])


def test_somebody_elses_later_pixel_in_the_same_place_wins_without_a_ghost(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    palette = server.palette()
    window = fresh_window()
    window.open(server.url)
    late: list[tuple[Route, Any]] = []
    window.page.route("**/edit", lambda route: late.append((route, route.fetch())))
    window.choose(RED)
    window.click(12, 12)
    window.wait_until(lambda: late, "the edit is placed, its answer still on the way")
    server.paint(12, 12, BLUE)
    window.wait_until(lambda: window.indexes()[12, 12] == BLUE, "the stream brings both")
    route, answer = late[0]
    route.fulfill(response=answer)
    window.wait_until(lambda: not window.own_pixels(), "the own pixel is settled")
    window.page.mouse.move(1, 1)  # away, with its preview
    window.wait_until(lambda: window.drawn(12, 12) == palette[BLUE], "the later pixel is drawn")
    window.wait_until_equal(server)


def test_an_answer_that_is_lost_is_settled_by_the_stream(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.open(server.url)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    window.page.route("**/edit", lose)
    window.choose(RED)
    window.click(40, 8)
    window.wait_until(lambda: "connection was lost" in window.message, "the page says that the outcome is unknown")
    window.wait_until(lambda: window.indexes()[8, 40] == RED, "the stream tells")
    window.wait_until(lambda: not window.own_pixels(), "the own pixel is settled")
    window.wait_until_equal(server)


def wait_for_message(window: CanvasPage, words: str) -> None:
    window.wait_until(lambda: words in window.message, f"it says {words!r}")


def wait_for_charges(window: CanvasPage, charges: int) -> None:
    window.wait_until(lambda: window.state()["charges"] == charges, f"it knows of {charges} charges")


def refuse_edits(window: CanvasPage, status: int, body: str, *, problem: bool = True) -> None:
    """From now on answer edits with this status and body, as the server or a proxy before it would."""
    kind = "application/problem+json" if problem else "text/html"
    window.page.route("**/edit", lambda route: route.fulfill(status=status, body=body, content_type=kind))


@pytest.mark.parametrize(
    "code", ["log-unavailable", "writer-full", "shutting-down", "not-ready", "too-many-connections"]
)
def test_an_edit_that_placed_nothing_does_not_cost_its_charge(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage], code: str
) -> None:
    server, window = new_server("--cooldown", "300"), new_window()
    window.open(server.url)
    refuse_edits(window, 503, json.dumps({"code": code, "status": 503}))
    window.click(3, 3)
    window.wait_until(lambda: window.message and not window.own_pixels(), "the page tells the refusal")
    assert window.state()["charges"] == 1
    window.page.unroute("**/edit")
    window.click(3, 3)
    window.wait_until(lambda: window.indexes()[3, 3] != 0, "it is placed now")


def test_an_edit_that_a_proxy_refused_says_so_and_does_not_cost_its_charge(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server("--cooldown", "300"), new_window()
    window.open(server.url)
    for status, words in [(403, "does not let you through (403)"), (503, "restarting, or has too much to do (503)")]:
        refuse_edits(window, status, "<html>nginx</html>", problem=False)
        window.click(3, 3)
        wait_for_message(window, words)
        wait_for_charges(window, 1)
        window.page.unroute("**/edit")


def test_what_neighbours_and_other_tabs_spend_is_shown(
    new_server: Callable[..., PageServer], new_context: Callable[..., BrowserContext]
) -> None:
    server = new_server("--charges", "10", "--charge-seconds", "300")
    context = new_context(viewport={"width": 1000, "height": 700})
    tabs = [CanvasPage(context.new_page()) for _ in range(2)]
    for tab in tabs:
        tab.open(server.url)
    tabs[0].click(3, 3)
    for tab in tabs:
        wait_for_charges(tab, 9)
    server.paint(5, 5, BLUE)  # of the same address
    tabs[1].ask("document.dispatchEvent(new Event('visibilitychange'))")
    wait_for_charges(tabs[1], 8)  # a tab that is shown again asks the server
    charges = tabs[1].page.locator("#charges")
    tabs[1].wait_until(lambda: "8 of 10" in charges.inner_text(), "and says so")
