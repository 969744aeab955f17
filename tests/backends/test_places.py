"""Code that needs to know about a log's URL asks the log's place, and nothing else looks at URLs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import placed
from placed.backends.opening import place_of
from placed.backends.places import LogPlace, parse_place
from placed.commands.settings.values import Settings

PACKAGE = Path(placed.__file__).parent
KIND = re.compile(r"(memory|lmdb|kafka):")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("memory:", LogPlace("memory", "memory:", lasts=False)),
        ("lmdb:/a/b", LogPlace("lmdb", "lmdb:/a/b", Path("/a/b"))),
        ("lmdb:a:b", LogPlace("lmdb", "lmdb:a:b", Path("a:b"))),
        ("lmdb:~/b", LogPlace("lmdb", f"lmdb:{Path.home()}/b", Path.home() / "b")),
        ("kafka://k1:9092/place", LogPlace("kafka", "kafka://k1:9092/place", is_remote=True)),
        ("kafka://k1:1,[::1]:65535/a.b", LogPlace("kafka", "kafka://k1:1,[::1]:65535/a.b", is_remote=True)),
    ],
)
def test_place_says_what_holds_of_its_log(url: str, place: LogPlace) -> None:
    assert parse_place(url) == place


@pytest.mark.parametrize(
    "url",
    [
        *("", "memory", "memory:x", "lmdb:", "lmdb", "lmdb:a\0b", "lmdb:~nobody-of-this-name/b", "redis://h:1/t", ":"),
        *("kafka:", "kafka://k1/place", "kafka://k1:0/place", "kafka://k1:65536/place", "kafka://k1:9092/.."),
        *("kafka://k1:9092/", "kafka://k1:9092/place\n", "kafka:k1:9092/place"),
    ],
)
def test_url_that_no_log_can_have_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"allowed is|user|home"):
        parse_place(url)


def test_log_that_is_not_named_is_below_the_data_folder(tmp_path: Path) -> None:
    assert place_of(Settings(data=tmp_path)) == LogPlace("lmdb", f"lmdb:{tmp_path}/log", tmp_path / "log")


def asked_of_urls(tree: ast.Module) -> list[str]:
    """The lines that look at the beginning of a URL: in a comparison, or by `startswith` and the like."""
    found = []
    for node in ast.walk(tree):
        asks = isinstance(node, ast.Compare | ast.MatchValue)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks = node.func.attr in {"startswith", "removeprefix", "partition", "split"}
        words = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)] if asks else []
        found += [ast.unparse(node) for word in words if isinstance(word, str) and KIND.match(word)]
    return found


def test_nobody_else_looks_at_a_urls_beginning() -> None:
    asking = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if asked_of_urls(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert asking == {"backends/kafka/place.py"}  # it parses its own URLs
    assert asked_of_urls(ast.parse('if log == "memory:" or log.startswith("kafka:"): pass'))
