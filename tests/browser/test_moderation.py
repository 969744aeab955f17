"""Looking after a canvas on the page, against a real server: a host's panel, and what other people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.moderators_page import open_as_host
from tests.browser.people_page import button, wait_until_told
from tests.browser.templates.panel import payload, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ENOUGH = "--charges", "1000", "--charge-seconds", "0.01"


def _choose(window: CanvasPage, x: int, y: int, width: int, height: int) -> None:
    for name, value in (("x", x), ("y", y), ("width", width), ("height", height)):
        window.page.locator(f".moderation fieldset input[name={name}]").fill(str(value))


def _result(window: CanvasPage, text: str) -> None:
    result = window.page.locator(".moderation .result")
    window.wait_until(lambda: text in result.inner_text(), f"it says {text!r}")


def test_a_host_sees_who_painted_an_area_tries_a_wipe_out_does_it_and_undoes_it(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    for x in (3, 4, 30):
        server.paint(x, 5, 5)
    open_as_host(window, server)
    assert window.page.locator("#moderating").is_visible()
    button(window, "Who painted here?").click()
    _result(window, "Choose an area first.")
    _choose(window, 0, 0, 10, 10)
    button(window, "Who painted here?").click()
    _result(window, "2 pixels that somebody painted")
    assert window.page.locator(".painters li").count() == 1
    window.page.get_by_label("What to do").select_option("wipe")
    button(window, "Preview").click()
    _result(window, "2 pixels change.")
    assert window.page.locator(".result img").is_visible()
    button(window, "Do it").click()
    _result(window, "Done: 2 pixels.")
    window.wait_until_equal(server)
    assert [server.canvas().indexes[5, x] for x in (3, 4, 30)] == [0, 0, 5]
    window.page.get_by_role("button", name="Undo: Wipe").click()
    window.wait_until(lambda: "undone" in window.page.locator(".acts").inner_text(), "it is undone")
    window.wait_until_equal(server)
    assert [server.canvas().indexes[5, x] for x in (3, 4, 30)] == [5, 5, 5]
    window.page.keyboard.press("Escape")
    window.wait_until(lambda: not window.page.locator("#moderating").is_visible(), "it is no moderator's page now")


def test_a_picture_is_chosen_by_what_looks_like_a_button_and_stamped(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    open_as_host(window, server)
    choose = window.page.locator(".moderation .file")
    assert not choose.is_visible()
    window.page.get_by_label("What to do").select_option("stamp")
    box, button_box = choose.bounding_box(), button(window, "Do it").bounding_box()
    assert box
    assert button_box
    assert box["height"] >= button_box["height"]
    _choose(window, 4, 4, 2, 2)
    button(window, "Do it").click()
    _result(window, "Choose a picture first.")
    with window.page.expect_file_chooser() as chooser:
        choose.click()
    chooser.value.set_files([payload(png([(229, 0, 9)], size=(2, 2)), "crest.png")])  # its first pixel is transparent
    assert "crest.png" in choose.inner_text()
    button(window, "Do it").click()
    _result(window, "Done: 3 pixels.")


def test_an_author_from_a_pixels_card_is_banned(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    server.paint(20, 15, 5)
    open_as_host(window, server)
    button(window, "See its past").click()
    wait_until_told(window, "Choose an area first.")
    _choose(window, 10, 10, 20, 10)
    button(window, "See its past").click()
    window.wait_until(window.page.locator("#moment").is_visible, "the time line is open")
    window.page.locator("#panel-close").click()
    window.click(20, 15)
    button(window, "Ban or restore …").click()
    window.wait_until(lambda: window.page.get_by_label("What to do").input_value() == "ban", "a ban is chosen")
    button(window, "Do it").click()
    _result(window, "Done.")
    window.wait_until(lambda: "Ban" in window.page.locator(".acts").inner_text(), "the act is on the record")


def test_an_area_is_chosen_by_dragging_and_given_up_by_the_same_button(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    open_as_host(window, server)
    drag = button(window, "Choose by dragging")
    drag.click()
    drag.click()
    assert drag.get_attribute("aria-pressed") == "false"
    drag.click()
    (left, top), (right, bottom) = window.place_of(5, 6), window.place_of(8, 10)
    mouse = window.page.mouse
    mouse.move(left, top)
    mouse.down()
    mouse.move(right, bottom, steps=5)
    mouse.up()
    field = window.page.locator(".moderation fieldset input[name=width]")
    window.wait_until(lambda: field.input_value() == "4", "the numbers are there")
    assert drag.get_attribute("aria-pressed") == "false"


def test_a_host_closes_the_canvas_and_makes_it_larger(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    open_as_host(window, server)
    button(window, "Plan to open").click()
    event = window.page.locator(".event")
    window.wait_until(lambda: "Choose a time that is still to come." in event.inner_text(), "a time is missing")
    button(window, "Close now").click()
    window.wait_until(lambda: "Done." in event.inner_text(), "it is closed")
    window.page.get_by_label("Width").last.fill("80")
    button(window, "Grow").click()
    window.wait_until(lambda: window.ask("placed.width") == 80, "the canvas is larger")
    window.wait_until_equal(server)


def test_nobody_else_loads_any_of_it(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*ENOUGH), new_window()
    loaded = window.requests()
    window.open(server.url)
    window.page.get_by_role("button", name="Settings").click()
    window.wait_until(window.page.locator("#panel-body > *").first.is_visible, "the second half is there")
    assert window.page.locator("#moderation").count() == 0
    assert [url for url in loaded() if "/moderation/" in url] == []
    assert any(url.endswith("/interaction.js") for url in loaded())


def test_a_place_that_somebody_reports_is_seen_by_moderators_and_marked_as_done(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, visitor, host = new_server(*ENOUGH), new_window(), new_window()
    server.paint(20, 15, 5)
    visitor.open(server.url)
    visitor.page.locator("#past").click()
    visitor.wait_until(visitor.page.locator("#moment").is_visible, "the time line is open")
    visitor.click(20, 15)
    button(visitor, "Report this place").click()
    words = visitor.page.get_by_label("What is wrong here?")
    words.fill("  ")
    button(visitor, "Send").click()
    assert visitor.ask("document.activeElement.validity.valueMissing")  # spaces don't count as a text
    words.fill("An ugly word <b>")
    button(visitor, "Send").click()
    thanks = visitor.page.get_by_text("Thank you. The moderators will see it.")
    visitor.wait_until(thanks.is_visible, "it was taken")
    assert visitor.ask("document.activeElement.textContent") == thanks.inner_text()  # not at the page's top
    open_as_host(host, server)
    reports = host.page.locator(".reports")
    host.wait_until(lambda: "An ugly word <b>" in reports.inner_text(), "the host has it")
    assert "New" in reports.inner_text()
    button(host, "Look there").click()
    assert host.page.locator(".moderation fieldset input[name=x]").input_value() == "20"
    button(host, "Done").click()
    host.wait_until(lambda: "Done" in reports.locator("strong").inner_text(), "it is marked")
    assert not button(host, "Done").is_visible()
