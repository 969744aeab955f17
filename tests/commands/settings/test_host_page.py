"""The settings of a host's own page: which values are allowed, and the message at the start if a file can't be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placed.backends import CannotStart
from placed.commands.settings.asked_for import identity_of, read_files
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import Settings

if TYPE_CHECKING:
    from pathlib import Path


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(data=tmp_path, **more)  # type: ignore[arg-type]


def test_title_is_trimmed(tmp_path: Path) -> None:
    assert settings(tmp_path, title="  Класс 7Б 🎨 ").title == "Класс 7Б 🎨"


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "a\0b", "x" * 81, "a\u202eb"])
def test_title_that_is_no_line_of_text_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(SettingError, match="1 to 80 printable characters"):
        settings(tmp_path, title=title)


def test_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "about.md").write_bytes("\ufeffZürich".encode())
    identity = identity_of(settings(tmp_path, about=tmp_path / "about.md"))
    assert identity.about is not None
    assert identity.about.body == "<p>Zürich</p>\n"
    assert identity_of(settings(tmp_path)).about is None


@pytest.mark.parametrize("name", ["about", "icon"])
def test_file_that_is_not_there_ends_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotStart, match=f"--{name} .*missing.* can't be read: No such file"):
        read_files(settings(tmp_path, **{name: tmp_path / "missing"}))


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("about", b"\xff\xfe", "is no UTF-8 at byte 0"),
        ("about", b"a" * 65_537, "at most 65,536 bytes"),
        ("icon", b"GIF89a", "is neither a PNG nor an SVG; allowed is a square PNG"),
    ],
)
def test_file_that_is_of_no_use_ends_the_start_and_says_why(tmp_path: Path, name: str, body: bytes, why: str) -> None:
    (tmp_path / "given").write_bytes(body)
    with pytest.raises(CannotStart, match=f"--{name} .*given.*{why}"):
        read_files(settings(tmp_path, **{name: tmp_path / "given"}))
