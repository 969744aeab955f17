"""Every bar and panel, in every language and in longer made-up ones, at many sizes: nothing is cut, nothing overlaps,
and everything can be reached.

`layout.js` checks that by geometry. The pseudo-languages are made of the page's own texts: the longest version of each
text in all languages, that one twice, and that one from right to left.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.canvas_page import CanvasPage
from tests.browser.moderators_page import Moderator, open_as_host
from tests.browser.people_page import WORD
from tests.browser.templates.panel import payload, png
from tests.support.page_server import PageServer
from tests.support.parts import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]  # hundreds of states in one page

_CLIENT = Path(__file__).parents[2] / "client"
_LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
_PANELS = "templates", "share", "settings", "help"
_FILES = {
    "words/texts.js": "TEXTS",
    "words/more_texts.js": "MORE_TEXTS",
    "people/texts.js": "PEOPLE_TEXTS",
    "gate/texts.js": "GATE_TEXTS",
    "moderation/texts.js": "MODERATION_TEXTS",
    "reporting/texts.js": "REPORTING_TEXTS",
    "projector/texts.js": "PROJECTOR_TEXTS",
}
_LANGUAGES = {
    "en": "en",
    "de": "de",
    "fr": "fr",
    "the longest": "longest()",
    "twice": "longest((text) => `${text} ${text}`)",
    "from the right": "{ ...longest(), direction: 'rtl' }",
}
_LONGEST = """
const longest = (of = (text) => text) => Object.fromEntries(Object.keys(en).map((key) => {
  const texts = [en, de, fr].map((one) => one[key]).sort((a, b) => b.length - a.length)
  return [key, key === 'direction' ? texts[0] : of(texts[0])]
}))
"""
# Rare elements, all at once: they stay until the page's next tick, or until the test takes them back.
_CROWDED = """() => {
    const t = (key) => window.texts[key].replace(/\\{(\\w+)[^}]*\\}/g, '88')
    const show = (id, text) => Object.assign(document.getElementById(id), { textContent: text, hidden: false })
    show('connection', t('offline'))
    show('numbers', ['behind', 'watching', 'perSecond'].map(t).join(' · '))
    show('position', '4095, 4095 · ' + t('templateDiffers'))
    show('retry', t('retryNow'))
    show('charges', t('ready'))
    show('next', t('nextIn'))
    document.getElementById('cooldown').hidden = false
}"""
_QUIET = """() => {
    for (const id of ['confirm', 'retry']) document.getElementById(id).hidden = true
    for (const id of ['numbers', 'position', 'next']) document.getElementById(id).textContent = ''
}"""
_ASKING = f"""() => {{
    ({_QUIET})()
    document.getElementById('confirm').hidden = false
    document.getElementById('target').textContent = window.texts.target.replace(/\\{{(\\w+)[^}}]*\\}}/g, '88')
}}"""
_ABOUT = """# A canvas for everybody

Paint *with* us. ThisIsAWordThatNoLineHasRoomFor,EvenOnAWideScreenItWouldHaveToBeBroken. See <https://example.org/rules/of/this/canvas>.

1. No hate
2. `code that is longer than any line of a narrow panel can be`

> Said by somebody

    a_block_of_code = "that is longer than any line of a narrow panel can be"

| when | what |
| --- | --- |
| 2026-12-01 | The canvas opens, and everybody paints |
"""
_WIDE, _NARROW = (1280, 800), (360, 640)
_ZOOMED = 320, 256  # 1280 x 1024 at 400 %
_SIZES = [_WIDE, (768, 1024), (640, 360), _NARROW, (320, 568), _ZOOMED]


class _Look:
    """A window whose layout is checked in many states; faults are collected."""

    def __init__(self, window: CanvasPage, *, coarse: bool, larger: bool) -> None:
        self._window = window
        self._coarse = coarse
        self._larger = larger  # also with doubled text
        self.wrong: dict[str, list[str]] = {}
        self.states = 0

    def at(self, sizes: list[tuple[int, int]], panel: str = "") -> None:
        """Check each size, with normal text and, where there is room, with doubled text."""
        states = {"": _QUIET} if panel else {"": _QUIET, " crowded": _CROWDED, " asking": _ASKING}
        for width, height in sizes:
            self._window.page.set_viewport_size({"width": width, "height": height})
            texts = ("100%", "200%") if self._larger and (width, height) != _ZOOMED else ("100%",)
            for (text, state), wrong in self._looked(panel, texts, states).items():
                self.states += 1
                if wrong:
                    self.wrong[f"{panel or 'bars'} {width} x {height} at {text}{state}"] = wrong

    def _looked(self, panel: str, texts: tuple[str, ...], states: dict[str, str]) -> dict[tuple[str, str], list[str]]:
        """The faults for each size of text in each state.

        This asks the page only once for all of them: between two questions the page would draw, which took most of the
        time, and its tick might undo a state.
        """
        arguments = f"{{ coarse: {str(self._coarse).lower()}, panel: '{panel}' }}"
        steps = [
            f"(document.documentElement.style.fontSize = '{text}', ({act})(), look({arguments}))"
            for text in texts
            for act in states.values()
        ]
        told = self._window.ask(f"((look) => [{', '.join(steps)}])({_LAYOUT})")
        return dict(zip(itertools.product(texts, states), told, strict=True))

    def open(self, panel: str) -> None:
        """Open a panel, and wait for its content and style."""
        self._window.ask(f"document.getElementById('{panel}').click()")
        content = self._window.page.locator("#panel-body > *").first
        self._window.wait_until(content.is_visible, f"{panel} is open")
        self._window.wait_for_looks()
        if panel == "templates" and not self._window.page.locator(".templates li").count():
            file = payload(png([(229, 0, 0)], size=(4, 4)), "a-name-without-a-space-that-is-too-long-for-any-line.png")
            self._window.page.locator(".templates input[type=file]").set_input_files([file])
            self._window.wait_until(self._window.page.locator(".templates progress").is_visible, "there is a template")


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], PageServer]]:
    """A function that gives a server with a number of colours, and starts it when first asked."""
    folder = tmp_path_factory.mktemp("layouts")
    servers: dict[int, PageServer] = {}

    def serve(colors: int) -> PageServer:
        if colors not in servers:
            palette = folder / f"{colors}.hex"
            palette.write_text("\n".join(f"{255 * i // (colors - 1):02x}8040" for i in range(colors)))
            data = folder / f"data{colors}"
            servers[colors] = PageServer(data, "--width", "64", "--height", "48", "--palette", str(palette))
            servers[colors].start()
        return servers[colors]

    yield serve
    for server in servers.values():
        server.close()


@pytest.fixture(scope="module")
def server_of_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server where people sign in by a word or a code."""
    server = PageServer(tmp_path_factory.mktemp("people") / "data", "--width", "64", "--height", "48", *WORD)
    server.start()
    yield server
    server.close()


def _speak(window: CanvasPage, language: str) -> None:
    for file, name in _FILES.items():
        source = (_CLIENT / file).read_text(encoding="utf-8")
        export = f"export const {name} = {{ en, de, fr }}"
        assert export in source
        spoken = f"{_LONGEST}\nexport const {name} = {{ en: {_LANGUAGES[language]}, de, fr }}"
        told = f"\nwindow.texts = {{ ...window.texts, ...{name}.en }}\n"
        _answer(window, file, source.replace(export, spoken + told))


def _answer(window: CanvasPage, file: str, body: str) -> None:
    window.page.route(f"**/{file}", lambda route: route.fulfill(body=body, content_type="text/javascript"))


def _assert_right(look: _Look) -> None:
    told = [f"{state}: {'; '.join(wrong[:4])}" for state, wrong in look.wrong.items()]
    assert not told, "\n".join([f"{len(told)} of {look.states} states", *told])


@pytest.mark.parametrize(
    ("language", "coarse"),
    # A real language's texts aren't longer than the longest ones, so one kind of pointer is enough for it.
    [(language, coarse) for language in _LANGUAGES for coarse in (False, True) if not coarse or len(language) > 2],
)
def test_no_text_is_cut_and_everything_can_be_reached(
    serve: Callable[[int], PageServer], fresh_window: Callable[..., CanvasPage], language: str, coarse: bool
) -> None:
    window = fresh_window(has_touch=coarse, is_mobile=coarse)
    _speak(window, language)
    window.open(serve(32).url)
    look = _Look(window, coarse=coarse, larger=language != "twice")
    sizes = [_WIDE, _NARROW, _ZOOMED] if language in ("en", "de", "fr") else _SIZES
    look.at(sizes)
    for panel in _PANELS:
        look.open(panel)
        look.at(sizes, panel)
    _assert_right(look)


@pytest.mark.parametrize(("language", "coarse"), [("the longest", True), ("twice", False), ("from the right", True)])
def test_so_does_looking_after_the_canvas(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage], language: str, coarse: bool
) -> None:
    server, window = new_server(), fresh_window(has_touch=coarse, is_mobile=coarse)
    _speak(window, language)
    open_as_host(window, server)
    look = _Look(window, coarse=coarse, larger=language != "twice")
    look.at(_SIZES, "moderation")
    _assert_right(look)


@pytest.mark.parametrize(
    ("language", "coarse"),
    [("de", True), ("fr", False), *((name, True) for name in ("the longest", "twice", "from the right"))],
)
def test_so_do_the_ways_in_and_who_one_is(
    server_of_people: PageServer, fresh_window: Callable[..., CanvasPage], language: str, coarse: bool
) -> None:
    window = fresh_window(has_touch=coarse, is_mobile=coarse)
    _speak(window, language)
    window.open(server_of_people.url)
    bar = window.page.locator("#to-paint")
    window.wait_until(bar.is_visible, "the palette's place is taken")
    look = _Look(window, coarse=coarse, larger=language != "twice")
    look.at(_SIZES)
    look.open("people")
    look.at(_SIZES, "people")
    fields = window.page.locator("#panel input")
    fields.nth(0).fill("wrong")
    fields.nth(1).fill(f"Ada {len(language)}{coarse:d}")
    fields.nth(1).press("Enter")
    window.wait_until(window.page.locator("#panel .trouble").is_visible, "it says what is wrong")
    look.at(_SIZES, "people")
    fields.nth(0).fill("Birnbaum")
    fields.nth(0).press("Enter")
    window.wait_until(lambda: not bar.is_visible(), "somebody is signed in")
    window.wait_until(lambda: window.page.locator("#panel .row").is_visible(), "the panel says who they are")
    window.wait_until(lambda: not window.page.locator("#message.shown").count(), "the earlier message is gone")
    look.at(_SIZES, "people")
    window.ask("document.getElementById('panel-close').click()")
    look.at(_SIZES)
    _assert_right(look)


@pytest.mark.parametrize(("language", "coarse"), [("the longest", True), ("twice", False), ("from the right", False)])
def test_so_do_the_projector_and_what_the_host_says(
    new_server: Callable[..., PageServer],
    fresh_window: Callable[..., CanvasPage],
    tmp_path: Path,
    language: str,
    coarse: bool,
) -> None:
    about = tmp_path / "about.md"
    about.write_text(_ABOUT)
    server = new_server("--about", str(about), "--title", "The summer party of class 7b")
    window = fresh_window(has_touch=coarse, is_mobile=coarse)
    _speak(window, language)
    window.open(server.url)
    look = _Look(window, coarse=coarse, larger=language != "twice")
    look.open("about")
    window.wait_until(window.page.locator(".about h3").first.is_visible, "the host's text is there")
    look.at([_WIDE, _NARROW, _ZOOMED], "about")
    moderator = Moderator(server, window)
    moderator.act("close")
    moderator.act("open", at="2096-01-01T00:00:00Z")
    moderator.act("announce", text="It ends at six, and then there is cake. Bring your parents!")
    window.page.goto("about:blank")  # an open page would reload itself
    window.page.goto(f"{server.url}#view=projector")
    window.page.locator("#projector .left").wait_for()
    look.at(_SIZES, "projector")
    _assert_right(look)
    window.page.set_viewport_size({"width": 1280, "height": 720})
    window.ask("document.documentElement.style.fontSize = ''")
    beside = "(({ scrollHeight, clientHeight }) => [scrollHeight, clientHeight])(document.getElementById('projector'))"
    height, room = window.ask(beside)
    assert height <= room or language == "twice"  # people in a room see all of it at once


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
@pytest.mark.parametrize("colors", [2, 16, 256])
def test_so_does_a_palette_of_any_length(
    serve: Callable[[int], PageServer], fresh_window: Callable[..., CanvasPage], colors: int, coarse: bool
) -> None:
    window = fresh_window(has_touch=coarse, is_mobile=coarse)
    _speak(window, "the longest")
    window.open(serve(colors).url)
    look = _Look(window, coarse=coarse, larger=True)
    look.at(_SIZES)
    _assert_right(look)


@pytest.mark.parametrize("size", [_WIDE, _NARROW, (390, 844), (320, 568)])
def test_thirty_two_colours_are_seen_at_once(
    serve: Callable[[int], PageServer], new_window: Callable[..., CanvasPage], size: tuple[int, int]
) -> None:
    narrow = size != _WIDE
    window = new_window(viewport={"width": size[0], "height": size[1]}, has_touch=narrow, is_mobile=narrow)
    window.open(serve(32).url)
    height, room = window.ask(
        "(({ scrollHeight, clientHeight }) => [scrollHeight, clientHeight])(document.getElementById('colors'))"
    )
    assert height <= room


def test_more_colours_than_there_is_room_for_fade_at_the_end_and_the_last_is_reached(
    serve: Callable[[int], PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    window.open(serve(256).url)
    fade = window.ask("getComputedStyle(document.getElementById('colors'), '::after').backgroundImage")
    assert fade.startswith("linear-gradient")
    last = window.page.locator("#colors input").last
    last.tap()
    window.wait_until(lambda: window.state()["color"] == 255, "the last one is chosen")
    box, room = last.bounding_box(), window.page.locator("#colors").bounding_box()
    assert box
    assert room
    assert room["y"] <= box["y"] <= room["y"] + room["height"] - box["height"]


def test_the_readers_own_font_size_counts(serve: Callable[[int], PageServer], browser: Browser) -> None:
    own = browser.browser_type.launch(
        executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--blink-settings=defaultFontSize=32"]
    )
    try:
        window = CanvasPage(own.new_context(viewport={"width": 1280, "height": 800}).new_page())
        _speak(window, "the longest")
        window.open(serve(32).url)
        size = "parseFloat(getComputedStyle(document.querySelector('#connection')).fontSize)"
        assert window.ask(size) == pytest.approx(30, abs=0.2)
        look = _Look(window, coarse=False, larger=False)
        sizes = [_WIDE, (1024, 768), _NARROW]
        look.at(sizes)
        for panel in _PANELS:
            look.open(panel)
            look.at(sizes, panel)
        _assert_right(look)
    finally:
        own.close()


def test_from_right_to_left_palette_and_panel_change_sides_and_the_canvas_does_not(
    serve: Callable[[int], PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window(viewport={"width": 1280, "height": 800})
    _speak(window, "from the right")
    server = serve(16)
    window.open(server.url)
    assert window.ask("document.documentElement.dir") == "rtl"
    look = _Look(window, coarse=False, larger=False)
    look.open("settings")
    boxes = {name: window.page.locator(f"#{name}").bounding_box() for name in ("paints", "panel", "state")}
    assert all(boxes.values())
    left = {name: box["x"] for name, box in boxes.items() if box}
    assert left["panel"] < 100 < 1000 < left["state"]
    assert left["paints"] > 1000
    window.page.locator("#fit").click()
    window.wait_until(lambda: window.place_of(0, 0)[0] > 320, "the canvas spares the panel at the left")
    assert window.place_of(63, 0)[0] < left["paints"]
    assert window.place_of(0, 0)[0] < window.place_of(10, 0)[0]
    window.choose(3)
    window.click(10, 5)
    window.wait_until(lambda: server.canvas().indexes[5, 10] == 3, "it is painted where it was clicked")


def test_a_phone_tells_of_help_the_long_press_and_the_place(
    serve: Callable[[int], PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    window.open(serve(16).url)
    window.page.get_by_role("button", name="Keys and gestures").tap()
    window.page.locator("#panel-body li").first.wait_for()
    assert "long press" in window.page.locator("#panel-body").inner_text()
    window.page.get_by_role("button", name="Close").tap()
    window.tap(12, 7)
    place = window.page.locator("#position")
    window.wait_until(lambda: place.is_visible() and "12, 7" in place.inner_text(), "the tapped place is shown")
