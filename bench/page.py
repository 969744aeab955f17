"""`page`: what the page costs a browser's main thread, and how smoothly it pans, while edits arrive. Linux only.

The bench starts a server with a large canvas, `bench.load.senders` to place edits on it, and Chromium without a window.
Chromium's own tracing (the protocol's Tracing domain) says when frames were presented and what each thread did:

    panning, whole canvas      1,000 edits/s arrive, a mouse drags the canvas to and fro all the time
    panning, close             the same, zoomed in to where a pixel is at least one of the screen's
    idle                       400 edits/s arrive, all of them in sight, and nobody does anything

Without a GPU, as here, Chromium draws in software. The main thread (2D canvases) and other threads
(`VizCompositorThread`, which puts the page together) do the work of a GPU, and share the cores with the server and the
load. So frames per second depend on this machine; the main thread's CPU time depends on the page's code.
"""

from __future__ import annotations

import itertools
import math
import shutil
import time
from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.measure import resident_bytes
from bench.equipment.place import Place, opened
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.load.audience import send
from bench.load.senders import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, CDPSession, Page

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No GPU, as in CI; the rest stops Chromium from loading anything but the page from the network.
_FLAGS: Final = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_WINDOW: Final = {"width": 1280, "height": 800}
_CATEGORIES: Final = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline.frame", "benchmark"]
_LIVE_SECONDS: Final = 60.0
_SETTLE_SECONDS: Final = 1.5  # of load before tracing begins: compiled code, made tiles
_MAX_EVENTS: Final = 5_000_000  # the bench drops a larger trace
_SCRIPTS: Final = {
    "FunctionCall",
    "EvaluateScript",
    "RunMicrotasks",
    "EventDispatch",
    "FireAnimationFrame",
    "TimerFire",
}
_TASK: Final = "ThreadControllerImpl::RunTask"
_DRAWING: Final = "ProxyMain::BeginMainFrame"
_MAIN: Final = "CrRendererMain"
_PHASES: Final = ("panning, whole canvas", "panning, close", "idle")
_IDLE_TARGET: Final = Target(50.0, inclusive=True)


@attrs.frozen
class Traced:
    """One phase of one run.

    Attributes:
        seconds: length of the trace.
        frames: how many were presented.
        interval_ms: the 95th percentile of the times between two frames; 0 with fewer than two intervals.
        main_ms: CPU time of the main thread, per second.
        main_wall_ms: wall time of the main thread's tasks, per second: more than `main_ms` when it waits for a core.
        script_ms: the part of the CPU time spent in the page's own code.
        drawing_ms: the part of the CPU time spent on frames outside the page's code: layout, and drawing on canvases.
        threads_ms: CPU time per second of each kind of thread that used any.
    """

    seconds: float
    frames: int
    interval_ms: float
    main_ms: float
    main_wall_ms: float
    script_ms: float
    drawing_ms: float
    threads_ms: dict[str, float]

    @property
    def frame_ms(self) -> float:
        """The main thread's CPU time for each frame."""
        return self.main_ms * self.seconds / max(1, self.frames)


@attrs.define
class _Session:
    """The results of one run: its phases by name, and the renderer's memory after them."""

    traced: dict[str, Traced] = attrs.field(factory=dict)
    renderer_bytes: int = 0


@click.command()
@click.option(
    "--side", default=4096, show_default=True, type=click.IntRange(1, 4096), help="Side of the canvas, in pixels."
)
@click.option(
    "--panning-rate",
    default=1_000.0,
    show_default=True,
    type=click.FloatRange(1, 50_000),
    help="Edits/s while panning.",
)
@click.option(
    "--idle-rate", default=400.0, show_default=True, type=click.FloatRange(1, 50_000), help="Edits/s while idle."
)
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1, 60), help="Length of each phase.")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 100))
@json_option
def page(side: int, panning_rate: float, idle_rate: float, seconds: float, runs: int, json_path: Path | None) -> None:
    """The page in Chromium: frames while panning, the main thread's time, while edits arrive. Linux only."""
    rates = dict(zip(_PHASES, (panning_rate, panning_rate, idle_rate), strict=True))
    with progress_bar("phases") as bar:
        task = bar.add_task("tracing", total=runs * len(_PHASES))
        sessions = trio.run(_measure, side, rates, seconds, runs, lambda: bar.advance(task))
    Report(
        bench="page",
        figures=_figures(sessions),
        options={"side": side, "panning_rate": panning_rate, "idle_rate": idle_rate, "seconds": seconds, "runs": runs},
        details={"runs": [attrs.asdict(session) for session in sessions]},
        notes=["Drawn without a GPU: frames per second are this machine's, main-thread time is the page's."],
    ).publish(json_path)


async def _measure(
    side: int, rates: dict[str, float], seconds: float, runs: int, advance: Callable[[], None]
) -> list[_Session]:
    size = ("--width", str(side), "--height", str(side))
    async with opened(None, *size) as place, trio.open_nursery() as nursery:

        def load(name: str) -> None:
            """Called in the browser's thread: place edits from now on, until a phase is over."""
            wanted = Load(
                *(place.host, place.port, 16),
                rate=rates[name],
                seconds=seconds + _SETTLE_SECONDS,
                width=side,
                height=side,
                # The same pixels in each phase, but other colours: an edit that changes nothing costs nothing.
                colors=16 - _PHASES.index(name),
            )
            trio.from_thread.run_sync(nursery.start_soon, send, wanted)

        def run() -> _Session:
            return _browse(place, seconds, load, advance)

        return [await trio.to_thread.run_sync(run) for _ in range(runs)]


def _browse(place: Place, seconds: float, load: Callable[[str], None], advance: Callable[[], None]) -> _Session:
    """Do one run, in a browser of its own.

    Thread: one of its own; Playwright blocks.
    """
    from playwright.sync_api import sync_playwright

    path = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise click.UsageError(f"no browser; PATH must have one of {', '.join(_BROWSERS)}")
    session = _Session()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        page = browser.new_page(viewport=_WINDOW)  # type: ignore[arg-type] # a TypedDict
        page.goto(f"http://{place.host}:{place.port}/")
        _wait_until_live(page)
        for name in _PHASES:
            if name == "panning, close":
                _zoom_in(page)
            elif name == "idle":
                page.locator("#fit").click()
                page.mouse.move(1, _WINDOW["height"] - 1)
            load(name)
            act = _wait if name == "idle" else _pan
            act(page, _SETTLE_SECONDS)
            events = _record(browser, lambda act=act: act(page, seconds))  # type: ignore[misc] # bound at once
            session.traced[name] = analyse(events, seconds)
            session.renderer_bytes = _renderer_bytes(events)
            page.wait_for_timeout(1_000)  # the last edits
            advance()
        browser.close()
    return session


def _wait_until_live(page: Page) -> None:
    deadline = time.monotonic() + _LIVE_SECONDS
    while page.evaluate("window.placed?.connection") != "live":
        if time.monotonic() > deadline:
            raise click.ClickException(f"the page isn't live within {_LIVE_SECONDS:.0f} s")
        page.wait_for_timeout(50)


def _zoom_in(page: Page) -> None:
    """Zoom in on a place where edits arrive: the senders paint from the top left corner on."""
    place = page.evaluate("placed.screenOf(Math.min(500, placed.width >> 1), Math.min(300, placed.height >> 1))")
    page.mouse.move(place["x"], place["y"])
    for _ in range(20):
        if page.evaluate("placed.view.scale") >= 1:
            return
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(400)


def _wait(page: Page, seconds: float) -> None:
    page.wait_for_timeout(seconds * 1000)


def _pan(page: Page, seconds: float) -> None:
    """Drag in an ellipse, as fast as the browser takes the moves, which is once a frame."""
    x, y = _WINDOW["width"] / 2, _WINDOW["height"] / 2
    page.mouse.move(x + 150, y)
    page.mouse.down()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        page.mouse.move(x + 150 * math.cos(4 * passed), y + 100 * math.sin(4 * passed))
    page.mouse.up()


def _record(browser: Browser, act: Callable[[], None]) -> list[dict[str, Any]]:
    """Do `act`, and return Chromium's trace of it."""
    link: CDPSession = browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    link.on("Tracing.dataCollected", lambda part: events.extend(part["value"]) if len(events) < _MAX_EVENTS else None)
    link.on("Tracing.tracingComplete", lambda _: done.append(True))
    link.send("Tracing.start", {"traceConfig": {"includedCategories": _CATEGORIES}})
    act()
    link.send("Tracing.end")
    deadline = time.monotonic() + _LIVE_SECONDS
    while not done and time.monotonic() < deadline:
        browser.contexts[0].pages[0].wait_for_timeout(20)
    link.detach()
    return events


def analyse(events: Sequence[dict[str, Any]], seconds: float) -> Traced:
    """Get the page's figures from a trace.

    Args:
        events: as Chromium writes them: times in us, `tdur` is the thread's CPU time.
        seconds: length of the trace.
    """
    threads = _threads(events)
    by_thread: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_thread[event["pid"], event["tid"]].append(event)
    main = _main_thread(by_thread, threads)
    presented = sorted(
        event["ts"]
        for key, several in by_thread.items()
        if key[0] == main[0]
        for event in several
        if event["name"] == "DrawFrame"
    )
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(presented))
    tasks = outermost(by_thread[main], {_TASK})
    scripts = outermost(by_thread[main], _SCRIPTS)
    frames = outermost(by_thread[main], {_DRAWING})
    inside = [each for each in scripts if any(f["ts"] <= each["ts"] < f["ts"] + f["dur"] for f in frames)]
    per_thread: Counter[str] = Counter()
    for key, several in by_thread.items():
        per_thread[threads.get(key, "?")] += _cpu(outermost(several, {_TASK, "ThreadPool_RunTask"}))
    return Traced(
        seconds=seconds,
        frames=len(presented),
        interval_ms=gaps[math.ceil(0.95 * len(gaps)) - 1] / 1000 if gaps else 0.0,
        main_ms=_cpu(tasks) / 1000 / seconds,
        main_wall_ms=sum(task["dur"] for task in tasks) / 1000 / seconds,
        script_ms=_cpu(scripts) / 1000 / seconds,
        drawing_ms=(_cpu(frames) - _cpu(inside)) / 1000 / seconds,
        threads_ms={name: us / 1000 / seconds for name, us in per_thread.most_common() if us >= 1000},
    )


def outermost(events: Iterable[dict[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    """The complete events with these names in one thread, without events nested in another one."""
    found: list[dict[str, Any]] = []
    end = -math.inf
    complete = (event for event in events if event["ph"] == "X" and event["name"] in names)
    for event in sorted(complete, key=lambda event: (event["ts"], -event.get("dur", 0))):
        if event["ts"] >= end:
            found.append(event)
            end = event["ts"] + event.get("dur", 0)
    return found


def _cpu(events: Iterable[dict[str, Any]]) -> int:
    return sum(event.get("tdur", 0) for event in events)


def _threads(events: Iterable[dict[str, Any]]) -> dict[tuple[int, int], str]:
    named = (event for event in events if event["ph"] == "M" and event["name"] == "thread_name")
    return {(event["pid"], event["tid"]): event["args"]["name"] for event in named}


def _main_thread(
    by_thread: dict[tuple[int, int], list[dict[str, Any]]], threads: dict[tuple[int, int], str]
) -> tuple[int, int]:
    """The page's main thread: Chromium also keeps renderers in reserve, which do nothing."""
    keys = [key for key in by_thread if threads.get(key) == _MAIN]
    return max(keys, key=lambda key: len(by_thread[key]), default=(0, 0))


def _renderer_bytes(events: list[dict[str, Any]]) -> int:
    by_thread: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_thread[event["pid"], event["tid"]].append(event)
    try:
        resident = resident_bytes(_main_thread(by_thread, _threads(events))[0])
    except FileNotFoundError:
        return 0
    return resident["RssAnon"] + resident["RssShmem"]


def _figures(sessions: list[_Session]) -> list[Figure]:
    figures = []
    for name in _PHASES:
        runs = [session.traced[name] for session in sessions]

        def middle(attribute: str, runs: list[Traced] = runs) -> float:
            return float(median(getattr(run, attribute) for run in runs))

        figures.append(Figure(f"{name}: frames", median(run.frames / run.seconds for run in runs), "per second"))
        if name != "idle":
            figures.append(Figure(f"{name}: between frames, p95", middle("interval_ms"), "ms"))
        figures.append(Figure(f"{name}: main thread, CPU time for a frame", middle("frame_ms"), "ms"))
        target = _IDLE_TARGET if name == "idle" else None
        figures.append(Figure(f"{name}: main thread, CPU time", middle("main_ms"), "ms/s", target))
        figures.append(Figure(f"{name}: of it, the page's code", middle("script_ms"), "ms/s"))
        figures.append(Figure(f"{name}: of it, drawing", middle("drawing_ms"), "ms/s"))
    memory = median(session.renderer_bytes for session in sessions)
    return [*figures, Figure("the page's process, memory", memory / 1e6, "MB")]
