"""Markdown by a host, as HTML that can't run any code."""

from __future__ import annotations

import re

import pytest

from placed.http.host_page.about import About


def body(markdown: str) -> str:
    return About.of(markdown).body


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<!-- --><svg/onload=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#115;cript:alert(1))",
        "[a](data:text/html,x)",
        "[a](vbscript:x)",
        "[a](file:///etc/passwd)",
        "[a](/relative)",
        "[a](//evil.test)",
        "[a]: javascript:alert(1)\n\n[a]",
        "<javascript:alert(1)>",
        "![a](https://evil.test/a.png)",
        "[![a](https://evil.test/a.png)](javascript:x)",
        '`"><script>`',
    ],
)
def test_nothing_that_is_pasted_becomes_a_tag_a_picture_or_a_way_to_a_script(markdown: str) -> None:
    tags = set(re.findall(r"<([a-z0-9]+)", body(markdown)))
    assert tags <= {"p", "a", "code"}
    for where in re.findall(r'href="([^"]*)"', body(markdown)):
        assert where == "https://evil.test/a.png"  # the picture has become a link


@pytest.mark.parametrize("where", ["https://a.test/x?y=1&z=2", "http://a.test", "mailto:ada@a.test", "HTTPS://A.TEST"])
def test_links_to_the_web_and_to_mail_open_beside_the_canvas(where: str) -> None:
    made = body(f"[there]({where})")
    assert 'target="_blank" rel="noopener noreferrer"' in made
    assert made.count("<a ") == 1


def test_a_quote_in_a_link_or_its_title_stays_inside_of_it() -> None:
    made = body("""[a](<https://a.test/"onclick=x> 'b" onclick="x')""")
    assert re.findall(r"[a-z]+=(?=\")", made) == ["href=", "title=", "target=", "rel="]


@pytest.mark.parametrize(("level", "expected"), [(1, 3), (2, 4), (4, 6), (6, 6)])
def test_headings_stand_below_the_panels_own(level: int, expected: int) -> None:
    assert body(f"{'#' * level} One") == f"<h{expected}>One</h{expected}>\n"


def test_tables_and_lists_are_there() -> None:
    assert "<td>1</td>" in body("| a |\n|---|\n| 1 |")
    assert "<li>one</li>" in body("- one\n- two")


@pytest.mark.parametrize(
    ("markdown", "summary"),
    [
        ("", ""),
        ("# Only a title", ""),
        ("# Title\n\nPaint *with* us in [Bern](https://a.test)!\n\nMore.", "Paint with us in Bern!"),
        ("one\ntwo", "one two"),
        ("`code` & <b>", "code & <b>"),
    ],
)
def test_the_summary_is_the_first_paragraph_without_marks(markdown: str, summary: str) -> None:
    assert About.of(markdown).summary == summary


def test_a_long_summary_is_cut_between_words() -> None:
    summary = About.of("word " * 100).summary
    assert len(summary) <= 200
    assert summary.endswith("word …")


def test_the_document_escapes_its_title() -> None:
    assert "<title>&lt;b&gt;</title>" in About.of("x").document("<b>")
