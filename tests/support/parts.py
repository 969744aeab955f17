"""Parts that tests need and pip can't install: a browser, nginx, pngcheck, node, Prometheus.

If a part is missing, its tests are skipped with a line that says how to get it. In CI (`CI=true`) they fail: a green
run there has left nothing out.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# Places where Debian, Homebrew and macOS put a browser that Playwright can drive, apart from PATH. The first name is
# Chromium without its own windows, menus and toolbars, the one that Playwright itself brings for tests: the same
# engine, but a page in it takes 0.9 s of CPU instead of 2.3 s for windows that nobody sees.
_CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


_FIREFOX_NAMES = ("firefox-esr", "firefox")
_FIREFOX_APPS = ("/Applications/Firefox.app/Contents/MacOS/firefox",)


def require(part: str, found: bool, how: str) -> None:
    """Go on if `part` was found; otherwise skip the test, or, in CI, fail it.

    Args:
        part: the missing part, "chromium".
        found: whether it is there.
        how: a way to get it, "apt-get install chromium, or brew install --cask chromium".
    """
    if found:
        return
    line = f"{part} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def chromium() -> str:
    """The path of a Chromium or Chrome; without one the test is skipped, or, in CI, fails."""
    path = _browser(_CHROMIUM_NAMES, _CHROMIUM_APPS)
    require("chromium", path is not None, "apt-get install chromium, or brew install --cask chromium")
    assert path is not None
    return path


def firefox() -> str:
    """The path of a Firefox; without one the test is skipped, or, in CI, fails."""
    path = _browser(_FIREFOX_NAMES, _FIREFOX_APPS)
    require("firefox", path is not None, "apt-get install firefox-esr, or brew install --cask firefox")
    assert path is not None
    return path


def _browser(names: tuple[str, ...], apps: tuple[str, ...]) -> str | None:
    on_path = (path for name in names if (path := shutil.which(name)))
    return next(on_path, None) or next((app for app in apps if Path(app).exists()), None)


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def has_program(name: str) -> bool:
    """Whether the program `name` is installed."""
    return _find(name) is not None


def program(name: str) -> str:
    """The path of the program `name`; also looks in the folders that only root has on its PATH."""
    path = _find(name)
    require(name, path is not None, f"apt-get install {name}, or brew install {name}")
    assert path is not None
    return path


def node_package(name: str, folder: Path = _ROOT) -> Path:
    """The folder of a package that `folder`/package.json pins; without it the test is skipped, or, in CI, fails."""
    path = folder / "node_modules" / name
    require(f"the npm package {name}", path.is_dir(), f"cd {folder} && npm ci")
    return path
