"""Painting in a real browser: what is drawn at once, what becomes of it, and what others see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

RED, BLUE = 5, 13
OUTLINE_PX = 2.5  # the outline's middle is this far outside of an own pixel


def test_a_pixel_painted_in_one_window_is_drawn_in_the_other(
    server: ServerProcess, new_window: Callable[..., CanvasPage]
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
    server: ServerProcess, new_window: Callable[..., CanvasPage]
) -> None:
    palette = server.palette()
    window = new_window()
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
    new_server: Callable[..., ServerProcess], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--cooldown", "300")
    palette = server.palette()
    window = new_window()
    window.open(server.url)
    assert window.state()["charges"] == 1
    server.paint(1, 1, BLUE)  # the same address spends the only charge behind the window's back
    window.choose(RED)
    window.click(30, 30)
    window.wait_until(lambda: "ready in" in window.message, "the refusal is told")
    assert window.own_pixels() == []
    window.page.mouse.move(1, 1)
    window.wait_until(lambda: window.drawn(30, 30) == palette[0], "the pixel is taken back")
    assert window.state()["charges"] == 0
    assert "next in" in window.page.locator("#next").inner_text()
    window.wait_until_equal(server)


def test_without_a_charge_left_nothing_is_sent(
    new_server: Callable[..., ServerProcess], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--cooldown", "300")
    window = new_window()
    window.open(server.url)
    window.click(3, 3)
    window.wait_until(lambda: window.indexes()[3, 3] != 0, "the first pixel is placed")
    posts: list[Any] = []
    window.page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    window.click(4, 4)
    window.wait_until(lambda: "ready in" in window.message, "the page says why not")
    assert (posts, window.own_pixels()) == ([], [])


def test_somebody_elses_later_pixel_in_the_same_place_wins_without_a_ghost(
    server: ServerProcess, new_window: Callable[..., CanvasPage]
) -> None:
    palette = server.palette()
    window = new_window()
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
    server: ServerProcess, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(server.url)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    window.page.route("**/edit", lose)
    window.choose(RED)
    window.click(40, 8)
    window.wait_until(lambda: "connection was lost" in window.message, "the page says what it doesn't know")
    window.wait_until(lambda: window.indexes()[8, 40] == RED, "the stream tells")
    window.wait_until(lambda: not window.own_pixels(), "the own pixel is settled")
    window.wait_until_equal(server)
