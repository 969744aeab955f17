"""The painter and a model server: whatever happens, the canvas becomes the picture, and the painter stays polite."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placed.canvas.quantise import quantise
from placed.commands.paint.api import MAX_IN_FLIGHT
from placed.commands.paint.painter import MAX_LISTS_IN_FLIGHT, MAX_PLACINGS, DoesNotFit, PaintStopped
from tests.commands.paint.model_server import MISHAPS, PALETTE, ModelServer, Run, problem, random_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.storage.picture import Picture

LIST_LENGTHS = st.sampled_from([1, 2, 7, 1000])

slow_ok = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def expected(picture: Picture, blank: NDArray[np.uint8], x: int = 0, y: int = 0) -> NDArray[np.uint8]:
    palette = np.array([list(bytes.fromhex(color[1:])) for color in PALETTE], np.uint8)
    canvas = blank.copy()
    part = canvas[y : y + picture.height, x : x + picture.width]
    colors = quantise(picture.rgb, picture.visible, palette, "none")
    part[picture.visible] = colors[picture.visible]
    return canvas


def assert_painted(run: Run, blank: NDArray[np.uint8], x: int = 0, y: int = 0) -> None:
    assert np.array_equal(run.server.canvas, expected(run.job.picture, blank, x, y))
    assert run.painter.right == run.painter.total == run.job.picture.visible.sum()


@pytest.mark.parametrize("order", ["rows", "random", "center"])
def test_paints_the_visible_pixels_and_nothing_else(order: str) -> None:
    server = ModelServer()
    server.canvas[:] = 3
    blank = server.canvas.copy()
    picture = random_picture(9, 7, transparent=True)
    run = Run(server, picture, x=4, y=5, order=order).go()
    assert_painted(run, blank, 4, 5)
    assert server.posts == (expected(picture, blank, 4, 5) != blank).sum()


def test_sends_nothing_when_nothing_differs() -> None:
    server = ModelServer()
    picture = random_picture(20, 15)
    server.canvas = expected(picture, server.canvas)
    run = Run(server, picture).go()
    assert server.posts == 0
    assert run.painter.right == run.painter.total


def test_a_dry_run_counts_and_places_nothing() -> None:
    server = ModelServer(charges=10, charge_seconds=1.0)
    run = Run(server, random_picture(20, 15), dry_run=True).go()
    assert server.posts == 0
    assert (run.painter.right, run.painter.total) == (0, 300)
    assert run.notes.updates[-1][2] == pytest.approx(290, abs=1)


@slow_ok
@given(
    charges=st.integers(1, 30),
    charge_seconds=st.sampled_from([0.05, 0.37, 1.0, 300.0]),
    latency=st.sampled_from([(0.0, 0.0), (0.001, 0.02), (0.05, 0.6), (0.0, 3.0)]),
    spent=st.floats(0, 30),
    seed=st.integers(0, 1000),
    most_edits=LIST_LENGTHS,
)
def test_a_cooldown_is_never_hit(
    charges: int, charge_seconds: float, latency: tuple[float, float], spent: float, seed: int, most_edits: int
) -> None:
    server = ModelServer(charges=charges, charge_seconds=charge_seconds, most_edits=most_edits)
    server.latency_seconds = latency
    server.rng.seed(seed)
    server._level = max(0.0, charges - spent)
    run = Run(server, random_picture(12, 8, seed)).go()
    assert server.refusals == 0
    assert server.most_in_flight <= MAX_IN_FLIGHT
    assert_painted(run, np.zeros((15, 20), np.uint8))


@pytest.mark.parametrize("most_edits", [1, 1000])
def test_charges_are_used_as_they_come_back(most_edits: int) -> None:
    server = ModelServer(charges=10, charge_seconds=1.0, most_edits=most_edits)
    server.latency_seconds = (0.01, 0.05)
    run = Run(server, random_picture(20, 15)).go()
    # 300 edits, the first 10 of them at once: 290 s, and a little for each look and answer.
    assert 290 <= run.seconds < 300


def test_no_more_edits_are_in_flight_than_is_polite() -> None:
    server = ModelServer()
    server.latency_seconds = (0.01, 0.5)
    Run(server, random_picture(20, 15)).go()
    assert server.most_in_flight == MAX_IN_FLIGHT


def test_many_edits_go_in_one_request_where_the_server_takes_them() -> None:
    server = ModelServer(200, 100, most_edits=1000)
    server.latency_seconds = (0.01, 0.05)
    run = Run(server, random_picture(200, 100)).go()
    assert_painted(run, np.zeros((100, 200), np.uint8))
    assert server.posts <= 20_000 / 1000 + 20  # the first requests are smaller
    assert server.most_in_flight == MAX_LISTS_IN_FLIGHT


def test_lists_are_as_long_as_a_proxy_lets_through() -> None:
    server = ModelServer(200, 100, most_edits=1000)
    server.latency_seconds = (0.01, 0.05)
    too_large: list[int] = []

    def proxy(request: httpx.Request) -> httpx.Response | None:
        if len(request.content) <= 4096:
            return None
        too_large.append(len(request.content))
        return httpx.Response(413, text="<html>Request Entity Too Large</html>")

    server.override = proxy
    run = Run(server, random_picture(200, 100)).go()
    assert_painted(run, np.zeros((100, 200), np.uint8))
    assert 1 <= len(too_large) <= 4


def test_server_that_takes_no_single_edit_ends_it() -> None:
    server = ModelServer()
    server.override = lambda request: httpx.Response(413) if request.method == "POST" else None
    with pytest.raises(PaintStopped, match="HTTP 413"):
        Run(server, random_picture(3, 3)).go()


@slow_ok
@given(st.lists(st.sampled_from([None, *MISHAPS]), max_size=60), st.booleans(), LIST_LENGTHS)
def test_the_canvas_ends_as_the_picture_whatever_happens_to_edits(
    mishaps: list[str | None], cooldown: bool, most_edits: int
) -> None:
    server = ModelServer(charges=5, charge_seconds=0.5 if cooldown else 0.0, most_edits=most_edits)
    server.latency_seconds = (0.0, 0.1)
    server.mishaps = iter(mishaps)
    run = Run(server, random_picture(8, 6), give_up_seconds=1e5).go()
    assert_painted(run, np.zeros((15, 20), np.uint8))
    assert server.refusals == 0


@pytest.mark.parametrize("most_edits", [1, 1000])
def test_a_shared_account_s_refusals_are_obeyed(most_edits: int) -> None:
    server = ModelServer(charges=4, charge_seconds=2.0, most_edits=most_edits)
    server.latency_seconds = (0.0, 0.1)
    server.on_edit = lambda x, y: server.spend(2.0 if server.landed % 5 == 0 else 0.0)
    run = Run(server, random_picture(10, 6)).go()
    assert_painted(run, np.zeros((15, 20), np.uint8))
    assert server.sent_early == 0
    assert server.refusals < server.posts / 5


def test_goes_on_when_the_server_is_back() -> None:
    server = ModelServer()
    server.latency_seconds = (0.01, 0.05)
    server.down = lambda: 0.5 < trio.current_time() < 400
    run = Run(server, random_picture(20, 15)).go()
    assert_painted(run, np.zeros((15, 20), np.uint8))
    assert 400 <= run.seconds < 420
    assert [line for line in run.notes.lines if "connection refused; trying again for 10 min" in line]
    assert "the server answers again" in run.notes.lines
    assert len(run.notes.lines) <= 4


def test_gives_up_when_the_server_stays_away() -> None:
    server = ModelServer()
    server.down = lambda: True
    run = Run(server, random_picture(20, 15))
    with pytest.raises(PaintStopped, match="gave up after 10 min without progress: connection refused"):
        run.go()
    assert 590 <= run.seconds <= 610


def test_gives_up_when_no_edit_is_taken() -> None:
    server = ModelServer()
    server.override = lambda request: problem(503, "writer-full") if request.method == "POST" else None
    run = Run(server, random_picture(20, 15), give_up_seconds=100.0)
    with pytest.raises(PaintStopped, match="detail of writer-full"):
        run.go()
    assert run.seconds < 150


def test_waits_as_long_as_retry_after_says() -> None:
    server = ModelServer()
    times: list[float] = []

    def busy(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST" or len(times) >= 3:
            return None
        times.append(trio.current_time())
        return problem(503, "writer-full", headers={"Retry-After": "40"})

    server.override = busy
    Run(server, random_picture(3, 3)).go()
    assert len(times) == 3
    assert all(later - earlier >= 40 for earlier, later in pairwise(times))


def test_what_others_paint_over_is_repaired_a_few_times() -> None:
    server = ModelServer()
    placings = []

    def paint_over(x: int, y: int) -> None:
        if (x, y) == (2, 2):
            placings.append((x, y))
            server.canvas[2, 2] = 0
            server.version += 1

    server.on_edit = paint_over
    run = Run(server, random_picture(6, 6)).go()
    assert len(placings) == MAX_PLACINGS
    assert (run.painter.right, run.painter.total) == (35, 36)


def test_with_keep_repairs_go_on() -> None:
    server = ModelServer()
    repaired = []

    def paint_over(x: int, y: int) -> None:
        if (x, y) == (2, 2):
            repaired.append(trio.current_time())
            server.canvas[2, 2] = 0
            server.version += 1

    server.on_edit = paint_over
    Run(server, random_picture(6, 6), keep=True).go(for_seconds=600)
    assert len(repaired) > MAX_PLACINGS
    assert repaired[-1] > 500


def test_with_keep_a_canvas_at_rest_is_only_looked_at() -> None:
    server = ModelServer()
    Run(server, random_picture(6, 6), keep=True).go(for_seconds=600)
    assert server.posts == 36


def test_what_an_earlier_run_placed_and_the_image_does_not_show_yet_is_not_placed_again() -> None:
    server = ModelServer()
    server.latency_seconds = (0.01, 0.01)
    picture = random_picture(20, 15)
    Run(server, picture).go(for_seconds=0.3)
    assert 0 < server.landed < 300
    Run(server, picture).go()  # a new run starts its clock again, so the first image is still the newest
    assert server.landed <= 300 + MAX_IN_FLIGHT


def test_another_canvas_is_planned_anew() -> None:
    server = ModelServer()

    def replace(x: int, y: int) -> None:
        if server.landed == 50:
            server.log = "log-two"
            server.canvas = np.zeros((15, 20), np.uint8)
            server.version = 1
            server.palette = [PALETTE[0], *reversed(PALETTE[1:])]

    server.on_edit = replace
    picture = random_picture(20, 15)
    run = Run(server, picture).go()
    palette = np.array([list(bytes.fromhex(color[1:])) for color in server.palette], np.uint8)
    assert np.array_equal(palette[server.canvas], picture.rgb)
    assert "the canvas is another one now: planning anew" in run.notes.lines


def test_a_canvas_that_became_too_small_ends_it() -> None:
    server = ModelServer()

    def shrink(x: int, y: int) -> None:
        if server.landed == 50:
            server.log = "log-two"
            server.canvas = np.zeros((5, 5), np.uint8)

    server.on_edit = shrink
    with pytest.raises(DoesNotFit, match="at most 5 x 5 fits there"):
        Run(server, random_picture(20, 15)).go()


def test_a_refusal_that_will_not_change_ends_it_at_once() -> None:
    server = ModelServer()
    posts = []

    def banned(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        posts.append(request)
        return problem(403, "banned")

    server.override = banned
    with pytest.raises(PaintStopped, match="HTTP 403: detail of banned"):
        Run(server, random_picture(20, 15)).go()
    assert len(posts) == 1


def test_an_edit_that_the_canvas_does_not_take_ends_it() -> None:
    server = ModelServer()
    server.override = lambda request: problem(400, "invalid-parameter") if request.method == "POST" else None
    with pytest.raises(PaintStopped, match="doesn't take 0,0 in colour"):
        Run(server, random_picture(20, 15)).go()
