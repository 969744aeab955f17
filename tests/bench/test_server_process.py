"""How benches and tests read a server's address from its output."""

from __future__ import annotations

import pytest

from bench.equipment.server_process import address_in, users_environment


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (b"http://127.0.0.1:8080\n", ("127.0.0.1", 8080)),
        (b"https://place.test:443\nhttp://127.0.0.1:1\n", ("place.test", 443)),
        (b"http://[::1]:8080\n", ("::1", 8080)),
        (b"http://127.0.0.1:80", None),  # the rest of the port may still come
        (b"", None),
    ],
)
def test_address_is_there_once_its_line_is_whole(said: bytes, address: tuple[str, int] | None) -> None:
    assert address_in(said) == address


def test_settings_of_whoever_runs_the_tests_are_not_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACED_WIDTH", "7")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert {"PLACED_WIDTH", "PYTHONDONTWRITEBYTECODE"} & set(users_environment()) == set()
    assert "PATH" in users_environment()
