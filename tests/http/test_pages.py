"""The client's files: all of them, with types that browsers run, and nothing beside them."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.pages import Pages, client_folder, description_file
from tests.parts import program, require

if TYPE_CHECKING:
    from tests.serving import Server

FOLDER = client_folder()
PAGES = Pages.load(FOLDER)
ASKED = Request("GET", "", {}, "192.0.2.1")
ACORN = Path(__file__).parents[2] / "node_modules" / "acorn"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


PLAIN = {"": None, "identity": None, "br, deflate": None, "gzip;q=0": None, "br, *;q=0.1, gzip;q=0": None}
PACKED = {"gzip, deflate, br": "gzip", "GZIP": "gzip", "br;q=1, gzip;q=0.2": "gzip", "*": "gzip"}


def asked(**headers: str) -> Request:
    """A request with these headers; `if_none_match` is `If-None-Match`."""
    return Request("GET", "", {name.replace("_", "-"): value for name, value in headers.items()}, "192.0.2.1")


def served(path: str) -> str:
    """A text file as it is served."""
    return PAGES.answer(path, ASKED).body.decode()


@pytest.mark.parametrize("path", FILES)
def test_file_is_served_with_all_that_a_browser_needs(path: str) -> None:
    answer = PAGES.answer(path, ASKED)
    headers = dict(answer.headers)
    assert answer.status == 200
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    if not path.endswith((".js", ".css")):
        assert re.sub(rb' *<link rel="modulepreload"[^>]*>\n', b"", answer.body) == (FOLDER / path).read_bytes()


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("taken", ["", "gzip"])
def test_file_that_is_known_is_not_sent_again(path: str, taken: str) -> None:
    headers = dict(PAGES.answer(path, asked(accept_encoding=taken)).headers)
    again = PAGES.answer(path, asked(accept_encoding=taken, if_none_match=headers["ETag"]))
    assert (again.status, again.body) == (304, b"")
    assert {name: value for name, value in headers.items() if name not in ("Content-Type", "Content-Encoding")} == dict(
        again.headers
    )


@pytest.mark.parametrize(("taken", "encoding"), [*PLAIN.items(), *PACKED.items()])
def test_file_is_compressed_for_those_who_take_it(taken: str, encoding: str | None) -> None:
    plain = PAGES.answer("main.js", ASKED)
    answer = PAGES.answer("main.js", asked(accept_encoding=taken))
    headers = dict(answer.headers)
    assert headers.get("Content-Encoding") == encoding
    assert (gzip.decompress(answer.body) if encoding else answer.body) == plain.body
    assert headers["Vary"] == dict(plain.headers)["Vary"] == "Accept-Encoding"
    assert (headers["ETag"] == dict(plain.headers)["ETag"]) is (encoding is None)


def test_one_encoding_is_not_taken_for_the_other() -> None:
    plain, packed = (dict(PAGES.answer("main.js", asked(accept_encoding=e)).headers)["ETag"] for e in ("", "gzip"))
    assert PAGES.answer("main.js", asked(accept_encoding="gzip", if_none_match=plain)).status == 200
    assert PAGES.answer("main.js", asked(if_none_match=packed)).status == 200
    assert PAGES.answer("main.js", asked(accept_encoding="gzip", if_none_match=f"{plain}, W/{packed}")).status == 304


def test_images_that_are_compressed_already_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "icon.png").write_bytes(b"\x89PNG" + bytes(1_000))
    answer = Pages.load(tmp_path).answer("icon.png", asked(accept_encoding="gzip"))
    assert answer.body == b"\x89PNG" + bytes(1_000)
    assert not {"Vary", "Content-Encoding"} & dict(answer.headers).keys()


def test_files_in_folders_are_served_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.js").write_text("export const one = 1 // one\n")
    assert Pages.load(tmp_path).answer("sub/a.js", ASKED).body == b"export const one=1"


def test_policy_lets_nothing_in_but_the_servers_own_files() -> None:
    policy = dict(PAGES.answer("index.html", ASKED).headers)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy
    html = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)


def test_scripts_mean_the_same_without_comments_and_indentation() -> None:
    paths = [path for path in FILES if path.endswith(".js")]
    scripts = [{"path": path, "source": (FOLDER / path).read_text(), "served": served(path)} for path in paths]
    assert scripts
    assert _differing(scripts) == []
    broken = [{"path": "a.js", "source": "a = `b  c`", "served": "a=`b c`"}]
    assert _differing(broken) == ["a.js"]  # so that the comparison isn't one that can't fail


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
def test_style_sheet_has_the_same_rules_without_comments_and_indentation(path: str) -> None:
    source, stripped = (FOLDER / path).read_text(), served(path)
    assert "/*" not in stripped
    assert _words(stripped) == _words(re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))


def _words(css: str) -> str:
    """What is left without white space, and the semicolons before a brace that may be left out."""
    return re.sub(r"\s+", "", css).replace(";}", "}")


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".js", "text/javascript"), (".css", "text/css"), (".html", "text/html"), (".svg", "image/svg+xml")],
)
def test_types_are_those_that_browsers_insist_on(suffix: str, kind: str) -> None:
    paths = [path for path in FILES if path.endswith(suffix)]
    assert paths
    for path in paths:
        assert dict(PAGES.answer(path, ASKED).headers)["Content-Type"].partition(";")[0] == kind


def test_description_is_the_file_and_yaml() -> None:
    answer = PAGES.description(ASKED)
    assert answer.body == description_file().read_bytes()
    assert dict(answer.headers)["Content-Type"] == "application/yaml"


def test_etag_changes_with_the_file(tmp_path: Path) -> None:
    etags = set()
    for body in (b"one", b"two", b"one"):
        (tmp_path / "a.js").write_bytes(body)
        etags.add(dict(Pages.load(tmp_path).answer("a.js", ASKED).headers)["ETag"])
    assert len(etags) == 2


@given(st.text("./\\%0ae-_", max_size=30) | st.text(max_size=30))
def test_whatever_else_is_asked_for_is_not_found(path: str) -> None:
    if path not in FILES:
        with pytest.raises(Problem) as refusal:
            PAGES.answer(path, ASKED)
        assert refusal.value.status == 404


def test_file_made_after_the_start_is_not_served(tmp_path: Path) -> None:
    pages = Pages.load(tmp_path)
    (tmp_path / "late.js").write_bytes(b"")
    with pytest.raises(Problem):
        pages.answer("late.js", ASKED)


@pytest.mark.parametrize("target", ["/", "/client/main.js"])
async def test_compressed_file_over_http_has_its_own_length_and_no_body_for_head(server: Server, target: str) -> None:
    packed = ("Accept-Encoding", "gzip")
    plain, answer = await server.get(target), await server.get(target, packed)
    assert gzip.decompress(answer.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept-Encoding"
    head = await server.request("HEAD", target, packed)
    assert (head.status, head.body) == (200, b"")
    assert head.headers == answer.headers
    assert int(head.headers["content-length"]) == len(answer.body)
    known = ("If-None-Match", answer.headers["etag"])
    for method in ("GET", "HEAD"):
        again = await server.request(method, target, packed, known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
        assert again.headers["vary"] == "Accept-Encoding"
        assert (await server.request(method, target, known)).status == 200


def test_page_names_all_modules_that_it_begins_with_and_no_others() -> None:
    named = re.findall(r'<link rel="modulepreload" href="client/([^"]+)">', served("index.html"))
    begins_with = {"main.js", *named}
    imported = {match for path in begins_with for match in re.findall(r"from'\./([^']+)'", served(path))}
    assert len(named) == len(set(named))
    assert set(named) == imported
    assert {"screen.js", "texts.js"} <= begins_with
    assert not {"tools.js", "settings_panel.js"} & begins_with
