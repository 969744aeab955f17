"""The files of the repository, as a reader finds them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.parts import require

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
MAX_LINES = 400
SOURCES = {".css", ".html", ".js", ".mjs", ".py", ".sh"}

# Joined from parts, so that the test doesn't find this file.
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:" + "|".join(("root", "home", "Users", "work")) + r")/\w")
REGISTRY = re.compile(
    "|".join((r"pypi\.", r"pythonhosted\.", r"npmjs\.", r"registry\.\w+\.", r"deb\.debian\.", r"repo1?\.maven\."))
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files in git, without files that are missing in this work tree."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=30, check=False)
    require("a git checkout", listing.returncode == 0, "git clone, rather than an archive of it")
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def _texts(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry"])
def test_no_tracked_file_names_a_machine_or_a_registry(tracked: list[Path], pattern: re.Pattern[str]) -> None:
    found = [f"{path}: {match.group()}" for path, text in _texts(tracked) for match in pattern.finditer(text)]
    assert found == []


def test_file_is_short_or_says_near_its_top_why_it_is_long(tracked: list[Path]) -> None:
    sources = [path for path in tracked if path.suffix in SOURCES]
    lines = {path: text.splitlines() for path, text in _texts(sources)}
    long = [
        f"{path}: {len(all_lines)} lines"
        for path, all_lines in lines.items()
        if len(all_lines) > MAX_LINES and not any("long because" in line for line in all_lines[:20])
    ]
    assert long == []


def test_browser_tests_read_what_the_page_did_only_after_asking_it(tracked: list[Path]) -> None:
    """`CanvasPage.collect` says why. A crashed page can't be asked."""
    files = [path for path in tracked if path.is_relative_to(ROOT / "tests/browser") and path.suffix == ".py"]
    listening = re.compile(r"\.on\((?!\"crash\"|event\b)")
    assert files
    assert [str(path) for path, text in _texts(files) if listening.search(text)] == []


def test_changelog_names_this_version() -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "placed/__init__.py").read_text(encoding="utf-8"))
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_package_and_metadata_have_one_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert f'__version__ = "{version[1]}"' in (ROOT / "placed/__init__.py").read_text(encoding="utf-8")


def test_readme_can_be_read_in_five_minutes() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert 350 <= len(words) <= 1000


def test_every_relative_link_of_the_readme_leads_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)", readme)
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_every_pin_is_exact() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_every_dependency_is_pinned() -> None:
    pinned = {_canonical(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    named = re.findall(r'^ {4}"([\w-]+)[>=]', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) > 15
    assert {_canonical(name) for name in named} <= pinned


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-")
