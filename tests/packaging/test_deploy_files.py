"""The files in deploy/ and those for containers, as far as tests can try them without a service manager or Docker."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import yaml

from placed.commands.settings.values import Settings
from tests.support.http_connection import connect, get, place
from tests.support.parts import has_program, require
from tests.support.server_process import running

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy"
# In its own mount namespace: only $0 is writable, and root has none of its powers.
_NOTHING_ELSE = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0700 tmpfs "$0"
mount -o remount,bind,ro /
if touch /written 2>/dev/null; then exit 99; fi
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies of the units, with an existing program."""
    require("systemd-analyze", has_program("systemd-analyze"), "apt-get install systemd")
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8").replace("/usr/local/bin/placed", sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def _analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_has_nothing_to_say_against_the_units(units: Path) -> None:
    verified = _analyze("verify", *sorted(units.iterdir()))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_systemd_would_have_said_it(units: Path) -> None:
    service = units / "placed.service"
    service.write_text(service.read_text(encoding="utf-8").replace("Type=notify", "Type=notified"), encoding="utf-8")
    assert "notified" in _analyze("verify", service).stderr


def test_service_is_exposed_little(units: Path) -> None:
    told = _analyze("security", "--offline=true", units / "placed.service").stdout
    (level,) = re.findall(r"Overall exposure level for placed.service: (\d+\.\d)", told)
    assert float(level) < 2.0


@pytest.mark.parametrize("name", ["placed.service", "../Dockerfile", "../compose.yaml"])
def test_every_variable_in_the_files_is_a_setting(name: str) -> None:
    settings = {f"PLACED_{name.upper()}" for name in Settings.__annotations__}
    found = set(re.findall(r"PLACED_[A-Z_]+", (UNITS / name).read_text(encoding="utf-8")))
    assert found - settings <= {"PLACED_TRUSTED_PROXY"}  # a list, whose field has another name


async def test_backup_by_the_timer_is_whole_and_replaces_old_ones(tmp_path: Path) -> None:
    """The unit's own commands, with other folders, while a server runs."""
    backups, data, old = tmp_path / "backups", tmp_path / "data", tmp_path / "backups" / "2020-01-01T000000Z"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    unit = (UNITS / "placed-backup.service").read_text(encoding="utf-8").replace("%%", "%")
    for path, here in (("/var/backups/placed", backups), ("/var/lib/placed", data)):
        unit = unit.replace(path, str(here))
    unit = unit.replace("/usr/local/bin/placed", f"{sys.executable} -m placed")
    commands = [shlex.split(line.partition("=")[2]) for line in unit.splitlines() if line.startswith("ExecStart")]
    assert len(commands) == 2
    async with running(data) as server:
        async with connect(server.port) as painter:
            await place(painter, 1, 2, 3)
        for command in commands:
            await trio.run_process(command, cwd=ROOT)
        await server.stop()
    (backup,) = backups.iterdir()
    assert backup != old
    async with running(backup) as restored:
        assert (await get(restored.port, "/info")).json()["version"] == 2


def test_image_runs_as_a_user_of_its_own() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert lines.index("USER placed") < lines.index('ENTRYPOINT ["placed"]')
    assert not [line for line in lines[lines.index("USER placed") + 1 :] if line.startswith(("USER", "RUN"))]


async def test_server_writes_to_nothing_but_its_data_folder(tmp_path: Path) -> None:
    may_mount = sys.platform == "linux" and os.geteuid() == 0 and has_program("unshare") and has_program("setpriv")
    require("mounts of its own", may_mount, "run the tests as root, in a container with util-linux")
    data = tmp_path / "data"
    data.mkdir()
    prefix = ("unshare", "-m", "sh", "-c", _NOTHING_ELSE, str(data))
    async with running(data, prefix=prefix) as server:
        async with connect(server.port) as painter:
            assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        assert (await get(server.port, "/canvas.png")).status == 200
        assert (await get(server.port, "/")).status == 200
        await server.stop()
    assert list(data.iterdir()) == []  # it was in the namespace's own folder


def test_composed_servers_write_to_nothing_else_and_have_no_powers() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("placed-1", "placed-2"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
