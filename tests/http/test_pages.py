"""The client's files: all of them, with types that browsers run, and no other files."""

from __future__ import annotations

import gzip
import json
import posixpath
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Answer, Problem, Request
from placed.http.host_page.page import HostPage
from placed.http.pages import Pages, client_folder, description_file
from tests.http.bodies import body_of
from tests.support.parts import program, require

if TYPE_CHECKING:
    from tests.support.serving import Server

FOLDER = client_folder()
PAGES = Pages.load(FOLDER)
ASKED = Request("GET", "", {}, "192.0.2.1")
ACORN = Path(__file__).parents[2] / "node_modules" / "acorn"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


MOST_BYTES = 45_000  # until the canvas is live, compressed; the image comes on top
PLAIN = {"": None, "identity": None, "br, deflate": None, "gzip;q=0": None, "br, *;q=0.1, gzip;q=0": None}
PACKED = {"gzip, deflate, br": "gzip", "GZIP": "gzip", "br;q=1, gzip;q=0.2": "gzip", "*": "gzip"}


def asked(**headers: str) -> Request:
    """A request with these headers; `if_none_match` is `If-None-Match`."""
    return Request("GET", "", {name.replace("_", "-"): value for name, value in headers.items()}, "192.0.2.1")


def answer_of(pages: Pages, path: str, request: Request) -> Answer:
    """The answer for a file of the client, by its path there."""
    return HostPage(pages).page(request) if path == "index.html" else pages.file(f"{pages.version}/{path}", request)


def answer(path: str, request: Request) -> Answer:
    return answer_of(PAGES, path, request)


def served(path: str) -> str:
    """A text file as it is served."""
    return body_of(answer(path, ASKED)).decode()


@pytest.mark.parametrize("path", FILES)
def test_file_is_served_with_all_that_a_browser_needs(path: str) -> None:
    told = answer(path, ASKED)
    headers = dict(told.headers)
    assert told.status == 200
    kept = "no-cache" if path == "index.html" else "public, max-age=31536000, immutable"
    assert headers["Cache-Control"] == kept
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    if not path.endswith((".js", ".css")):
        body = re.sub(rb' *<(?:link rel="modulepreload"|meta property=)[^>]*>\n', b"", body_of(told))
        assert (
            body.replace(b"&#x27;", b"'").replace(f"static/{PAGES.version}/".encode(), b"client/")
            == (FOLDER / path).read_bytes()
        )


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("taken", ["", "gzip"])
def test_file_that_is_known_is_not_sent_again(path: str, taken: str) -> None:
    headers = dict(answer(path, asked(accept_encoding=taken)).headers)
    again = answer(path, asked(accept_encoding=taken, if_none_match=headers["ETag"]))
    assert (again.status, again.body) == (304, b"")
    assert {name: value for name, value in headers.items() if name not in ("Content-Type", "Content-Encoding")} == dict(
        again.headers
    )


@pytest.mark.parametrize(("taken", "encoding"), [*PLAIN.items(), *PACKED.items()])
def test_file_is_compressed_for_those_who_take_it(taken: str, encoding: str | None) -> None:
    plain = answer("main.js", ASKED)
    told = answer("main.js", asked(accept_encoding=taken))
    headers = dict(told.headers)
    assert headers.get("Content-Encoding") == encoding
    assert (gzip.decompress(body_of(told)) if encoding else told.body) == plain.body
    assert headers["Vary"] == dict(plain.headers)["Vary"] == "Accept-Encoding"
    assert (headers["ETag"] == dict(plain.headers)["ETag"]) is (encoding is None)


def test_one_encoding_is_not_taken_for_the_other() -> None:
    plain, packed = (dict(answer("main.js", asked(accept_encoding=e)).headers)["ETag"] for e in ("", "gzip"))
    assert answer("main.js", asked(accept_encoding="gzip", if_none_match=plain)).status == 200
    assert answer("main.js", asked(if_none_match=packed)).status == 200
    assert answer("main.js", asked(accept_encoding="gzip", if_none_match=f"{plain}, W/{packed}")).status == 304


def test_images_that_are_compressed_already_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "icon.png").write_bytes(b"\x89PNG" + bytes(1_000))
    told = answer_of(Pages.load(tmp_path), "icon.png", asked(accept_encoding="gzip"))
    assert told.body == b"\x89PNG" + bytes(1_000)
    assert not {"Vary", "Content-Encoding"} & dict(told.headers).keys()


def test_files_in_folders_are_served_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.js").write_text("export const one = 1\n")
    assert answer_of(Pages.load(tmp_path), "sub/a.js", ASKED).body == b"export const one = 1\n"


def test_comments_are_left_out_where_they_cannot_be_part_of_a_string(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("// one\n  export const one = 1 // one\nexport const two = ' // two' // it's two\n")
    kept = b"\nexport const one = 1\nexport const two = ' // two' // it's two\n"
    assert answer_of(Pages.load(tmp_path), "a.js", ASKED).body == kept


def test_policy_lets_nothing_in_but_the_servers_own_files() -> None:
    policy = dict(HostPage(PAGES).page(ASKED).headers)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy
    for path in FILES:
        if path != "index.html":
            assert dict(answer(path, ASKED).headers)["Content-Security-Policy"] == "default-src 'self'"
    html = served("index.html")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)


def test_scripts_mean_the_same_without_their_comments() -> None:
    paths = [path for path in FILES if path.endswith(".js")]
    scripts = [{"path": path, "source": (FOLDER / path).read_text(), "served": served(path)} for path in paths]
    assert scripts
    assert _differing(scripts) == []
    broken = [{"path": "a.js", "source": "a = `b  c`", "served": "a=`b c`"}]
    assert _differing(broken) == ["a.js"]  # shows that the comparison can fail


def _differing(scripts: list[dict[str, str]]) -> list[str]:
    node = program("node")
    require("acorn", ACORN.exists(), "npm ci")
    run = subprocess.run(
        [node, Path(__file__).parent / "same_scripts.mjs"],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    paths: list[str] = json.loads(run.stdout)
    return paths


@pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".css")])
def test_style_sheet_has_the_same_rules_without_its_comments(path: str) -> None:
    source, stripped = (FOLDER / path).read_text(), served(path)
    assert _rules(stripped) == _rules(source)
    assert stripped.count("\n") == source.count("\n")


def _rules(css: str) -> str:
    return re.sub(r"/\*.*?\*/|\s+", "", css, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".js", "text/javascript"), (".css", "text/css"), (".html", "text/html"), (".svg", "image/svg+xml")],
)
def test_types_are_those_that_browsers_insist_on(suffix: str, kind: str) -> None:
    paths = [path for path in FILES if path.endswith(suffix)]
    assert paths
    for path in paths:
        assert dict(answer(path, ASKED).headers)["Content-Type"].partition(";")[0] == kind


def test_description_is_the_file_and_yaml() -> None:
    answer = PAGES.description(ASKED)
    assert answer.body == description_file().read_bytes()
    assert dict(answer.headers)["Content-Type"] == "application/yaml"


def test_etag_changes_with_the_file(tmp_path: Path) -> None:
    etags = set()
    for body in (b"one", b"two", b"one"):
        (tmp_path / "a.js").write_bytes(body)
        etags.add(dict(answer_of(Pages.load(tmp_path), "a.js", ASKED).headers)["ETag"])
    assert len(etags) == 2


@given(st.text("./\\%0ae-_", max_size=30) | st.text(max_size=30))
def test_whatever_else_is_asked_for_is_not_found(path: str) -> None:
    if path not in FILES:
        with pytest.raises(Problem) as refusal:
            answer(path, ASKED)
        assert refusal.value.status == 404


def test_file_made_after_the_start_is_not_served(tmp_path: Path) -> None:
    pages = Pages.load(tmp_path)
    (tmp_path / "late.js").write_bytes(b"")
    with pytest.raises(Problem):
        pages.file(f"{pages.version}/late.js", ASKED)


@pytest.mark.parametrize("target", ["/", f"/static/{PAGES.version}/main.js"])
async def test_compressed_file_over_http_has_its_own_length_and_no_body_for_head(server: Server, target: str) -> None:
    packed = ("Accept-Encoding", "gzip")
    plain, answer = await server.get(target), await server.get(target, packed)
    assert gzip.decompress(answer.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept-Encoding"
    head = await server.request("HEAD", target, packed)
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**answer.headers, "date": ""}  # a second may have passed
    assert int(head.headers["content-length"]) == len(answer.body)
    known = ("If-None-Match", answer.headers["etag"])
    for method in ("GET", "HEAD"):
        again = await server.request(method, target, packed, known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
        assert again.headers["vary"] == "Accept-Encoding"
        assert (await server.request(method, target, known)).status == 200


def test_page_names_all_modules_that_it_begins_with_and_no_others() -> None:
    named = re.findall(rf'<link rel="modulepreload" href="static/{PAGES.version}/([^"]+)">', served("index.html"))
    begins_with = {"main.js", *named}
    imported = {
        posixpath.normpath(posixpath.join(posixpath.dirname(path), match))
        for path in begins_with
        for match in re.findall(r"(?:from|import) '(\.[^']+)'", served(path))
    }
    assert len(named) == len(set(named))
    assert set(named) == imported
    assert {"view/screen.js", "words/texts.js"} <= begins_with
    later = {"interaction.js", "panels/settings_panel.js", "words/more_texts.js"}
    assert later <= set(FILES)
    assert not later & begins_with


def test_what_the_page_begins_with_says_nothing_that_is_loaded_later() -> None:
    page = served("index.html")
    texts = set(re.findall(r"^ *'?([\w-]+)'?: ?['\"]", served("words/texts.js"), re.MULTILINE))
    said = set(re.findall(r'data-t(?:-label)?="([^"]+)"', page))
    for path in re.findall(rf'"static/{PAGES.version}/([^"]+\.js)"', page):
        said |= set(re.findall(r"\bt\('([^']+)'", served(path)))
    assert {"live", "canvas", "offline"} <= said
    assert said <= texts


def test_an_errors_line_in_a_script_is_the_sources() -> None:
    for path in FILES:
        if path.endswith(".js"):
            assert served(path).count("\n") == (FOLDER / path).read_text().count("\n")


@pytest.mark.parametrize("path", ["main.js", "sub/icon.png", "sub/new.js"])
def test_another_file_or_a_new_one_is_another_version(tmp_path: Path, path: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text('<link href="client/main.js">')
    (tmp_path / "main.js").write_text("one")
    (tmp_path / "sub" / "icon.png").write_bytes(b"one")
    before = Pages.load(tmp_path)
    assert Pages.load(tmp_path).version == before.version
    (tmp_path / path).write_bytes(b"two")
    after = Pages.load(tmp_path)
    assert after.version != before.version
    assert HostPage(after).page(ASKED).body == f'<link href="static/{after.version}/main.js">'.encode()
    with pytest.raises(Problem) as refusal:  # a file of the other version doesn't fit this page
        after.file(f"{before.version}/main.js", ASKED)
    assert (refusal.value.status, dict(refusal.value.answer().headers)["Cache-Control"]) == (404, "no-store")


def test_the_files_that_the_page_begins_with_are_few_bytes_compressed() -> None:
    request = asked(accept_encoding="gzip")
    named = re.findall(rf'"static/{PAGES.version}/([^"]+)"', served("index.html"))
    assert {"main.js", "style.css", "words/texts.js", "favicon.svg"} <= set(named)
    assert sum(len(body_of(answer(path, request))) for path in ("index.html", *named)) < MOST_BYTES
