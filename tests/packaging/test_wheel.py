"""The wheel: its contents, and that it serves the page by itself, away from the work tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this work tree with the installed build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run([*command, "-w", folder, ROOT], capture_output=True, text=True, timeout=50, check=False)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("placed-*.whl")
    return path


def test_it_holds_every_file_of_the_client(wheel: Path) -> None:
    client = {path.relative_to(ROOT).as_posix() for path in (ROOT / "client").rglob("*") if path.is_file()}
    assert "client/index.html" in client
    assert {f"placed/{path}" for path in client} <= set(zipfile.ZipFile(wheel).namelist())


def test_it_holds_the_description_of_the_api(wheel: Path) -> None:
    assert zipfile.ZipFile(wheel).read("placed/openapi.yaml") == (ROOT / "docs/openapi.yaml").read_bytes()


def test_it_holds_the_license_and_the_types_marker_but_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "placed/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


@pytest.fixture
def address(wheel: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that runs from the unpacked wheel, in a folder without a work tree.

    Unpacking does the same as installing a wheel of pure Python. The packages that it needs are this environment's;
    PYTHONPATH puts the unpacked ones first.
    """
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    command = [sys.executable, "-m", "placed", "--port", "0", "--log", "memory:", "--data", str(tmp_path / "data")]
    environment = os.environ | {"PYTHONPATH": str(site)}
    with subprocess.Popen(command, cwd=site, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def test_a_server_from_the_wheel_serves_the_page_and_what_it_refers_to(address: str) -> None:
    with httpx.Client(base_url=address, timeout=10, trust_env=False) as client:
        page = client.get("/")
        files = re.findall(r'(?:src|href)="(static/[^"]+)"', page.text)
        assert page.headers["content-type"].startswith("text/html")
        assert len(files) > 1
        assert {client.get(file).status_code for file in (*files, "openapi.yaml")} == {200}
