"""docs/typescript.md works as printed: the client made from the server's description, the program, and its output.

openapi-typescript needs an older TypeScript than the checks of the page's own code, so its packages have a folder here.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from bench.equipment.free_ports import free_ports
from tests.openapi.description import FILE
from tests.support.http_connection import get
from tests.support.parts import node_package
from tests.support.server_process import running
from tests.test_docs_bots import PRINTED, commands, entered, environment, matches

INSTALL: Final = Path(__file__).with_name("typescript")
PAGE: Final = (Path(__file__).parents[2] / "docs/typescript.md").read_text("utf-8")
BLOCKS: Final = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SESSION: Final = commands(BLOCKS["console"])
COMPILE: Final = next(command for command, _ in SESSION if " tsc " in command)
COMPILER_SECONDS: Final = 120.0  # 3 s on an idle machine; 13 s on two cores that eight people shared
FLAGS: Final = ("--log", "memory:", "--charges", "2", "--charge-seconds", "6", "--width", "1000", "--height", "1000")

WRONG: Final = {
    "member": ("{ x: 10, y: 20, color: 5 }", "{ x: 10, y: 20, colour: 5 }"),
    "missing": ("{ x: 10, y: 20, color: 5 }", "{ x: 10, y: 20 }"),
    "short": ("[11, 20, 5]", "[11, 20]"),
    "text": ("[11, 20, 5]", '[11, 20, "red"]'),
    "path": ("/canvas.bin", "/canvas.bmp"),
    "method": ('api.GET("/info")', 'api.POST("/info")'),
    "query": ("wait: 5", 'wait: "long"'),
    "format": ('format: "json"', 'format: "xml"'),
    "answer": ("info.color_names", "info.colour_names"),
    "code": ('"cooldown"', '"cooldwon"'),
    "bytes": (', parseAs: "arrayBuffer"', ""),
    "event": ("frame.edits", "frame.pixels"),
}


def with_packages(folder: Path) -> Path:
    """The folder, with the page's packages in it."""
    for name in json.loads((INSTALL / "package.json").read_text("utf-8"))["devDependencies"]:
        node_package(name, INSTALL)
    (folder / "node_modules").symlink_to(INSTALL / "node_modules")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the page's packages in it."""
    return with_packages(tmp_path)


def test_packages_are_those_that_the_page_installs() -> None:
    pinned = json.loads((INSTALL / "package.json").read_text("utf-8"))["devDependencies"]
    named = dict(word.split("@") for word in BLOCKS["sh"].removeprefix("npm install ").split())
    assert named.keys() == pinned.keys()
    for name, version in pinned.items():
        assert f"{version}.".startswith(f"{named[name]}."), name


def test_lock_names_no_registry() -> None:
    assert "://" not in re.sub(r'"url": ".*"', "", (INSTALL / "package-lock.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's packages, and the client that `openapi-typescript` makes from the description."""
    made = with_packages(tmp_path_factory.mktemp("client"))
    command = ["node_modules/.bin/openapi-typescript", str(FILE), "-o", "placed.d.ts"]
    subprocess.run(command, cwd=made, env=environment(), check=True, capture_output=True, timeout=COMPILER_SECONDS)
    return made


@pytest.mark.timeout(480)
async def test_session_prints_what_the_page_shows(folder: Path) -> None:
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    flags = (*FLAGS, "--port", str(port))
    assert BLOCKS["ts"].count(PRINTED) == 1
    (folder / "row.mts").write_text(BLOCKS["ts"].replace(PRINTED, address))
    async with running(folder / "fast", *flags, "--fast-lane"):
        for command, shown in SESSION:
            await check_prints(command.replace(PRINTED, address), shown, folder)
    # The other lane's description is the same, so that the client and the program made with it are the same.
    async with running(folder / "slow", *flags, "--no-fast-lane"):
        assert (await get(port, "/openapi.yaml")).body == FILE.read_bytes()
        await check_prints(*SESSION[-1], folder)


async def check_prints(command: str, shown: str, folder: Path) -> None:
    """Check the output of one of the page's commands."""
    printed = await entered(command, folder, COMPILER_SECONDS)
    assert matches(shown, printed), f"{command}\n{printed}"


@pytest.mark.timeout(360)
async def test_wrong_uses_do_not_compile_and_the_right_one_does(client: Path) -> None:
    (client / "right.mts").write_text(BLOCKS["ts"])
    for name, (right, wrong) in WRONG.items():
        assert BLOCKS["ts"].count(right) == 1, name
        (client / f"{name}.mts").write_text(BLOCKS["ts"].replace(right, wrong))
    # The page's own session checks the packages' types.
    command = COMPILE.replace("row.mts", "--noEmit --skipLibCheck *.mts")
    printed = await entered(command, client, COMPILER_SECONDS)
    assert set(re.findall(r"^(\w+)\.mts\(\d+,\d+\): error TS", printed, re.MULTILINE)) == set(WRONG), printed


def test_types_say_all_that_a_program_reads(client: Path) -> None:
    lines = (client / "placed.d.ts").read_text().splitlines()
    unknown = {line.strip() for line in lines if re.search(r"\b(unknown|any)\b[;\[]", line)}
    assert unknown == {"[name: string]: unknown;"} | {
        f'"{kind}": unknown;' for kind in ("application/octet-stream", "image/png", "image/*")
    }
