"""The client's files: all of them, with types that browsers run, and nothing beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.pages import Pages, client_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = client_folder()
PAGES = Pages.load(FOLDER)
ASKED = Request("GET", "", {}, "192.0.2.1")
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES)
def test_file_is_served_as_it_is_and_revalidated(path: str) -> None:
    answer = PAGES.answer(path, ASKED)
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (200, (FOLDER / path).read_bytes())
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    again = PAGES.answer(path, Request("GET", "", {"if-none-match": headers["ETag"]}, ""))
    assert (again.status, again.body) == (304, b"")
    assert "Content-Type" not in dict(again.headers)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".js", "text/javascript"), (".css", "text/css"), (".html", "text/html"), (".svg", "image/svg+xml")],
)
def test_types_are_those_that_browsers_insist_on(suffix: str, kind: str) -> None:
    paths = [path for path in FILES if path.endswith(suffix)]
    assert paths
    for path in paths:
        assert dict(PAGES.answer(path, ASKED).headers)["Content-Type"].partition(";")[0] == kind


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
