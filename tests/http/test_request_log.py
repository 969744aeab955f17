"""Request ids and log lines: a refused client gets an id, the log has the same id, and nobody's address."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from placed.backends import LogUnavailable
from placed.backends.memory import open_memory_log
from placed.canvas.author import author_of
from placed.http.answer import Request
from placed.http.request_log import RequestLog
from tests.support.log_lines import logged

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

OWN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
KEY = bytes(range(32))
TRUSTING: dict[str, Any] = {"trusted_proxies": (ipaddress.ip_network("127.0.0.0/8"),)}
GIVEN = "3f2c-4d_5e.6A"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    return path


async def _fail(_value: bytes) -> int:
    raise LogUnavailable("no log today")


def _break(*_: object, **__: object) -> bytes:
    raise RuntimeError("a mistake of ours")


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/edit?x=foo&y=1&color=1"), ("GET", "/edits"), ("GET", "/nothing"), ("PUT", "/info"), ("GET", "//x")],
)
async def test_whoever_is_refused_gets_an_id_of_its_own(server: Server, method: str, target: str) -> None:
    ids = {(await server.request(method, target)).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(OWN_ID.fullmatch(one) for one in ids)


async def test_what_is_no_request_gets_one_too(server: Server) -> None:
    answer = await server.exchange(b"nonsense\r\n\r\n")
    assert re.search(rb"\r\nx-request-id: [0-9a-f]{16}\r\n", answer, re.IGNORECASE)


@pytest.mark.parametrize("target", ["/info", "/canvas.png", "/healthz"])
async def test_who_is_served_gets_none(server: Server, target: str) -> None:
    assert "x-request-id" not in (await server.get(target)).headers
    assert "x-request-id" not in (await server.place(1, 1, 1)).headers


@pytest.mark.parametrize("target", ["/edits", "/nothing"])
async def test_id_of_a_trusted_proxy_is_kept(start: Start, target: str) -> None:
    async with start(**TRUSTING) as server:
        assert (await server.get(target, ("X-Request-ID", GIVEN))).headers["x-request-id"] == GIVEN


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a,b", "ä", '"', "a\x7f", "<b>"])
@pytest.mark.parametrize("target", ["/edits", "/nothing"])
async def test_id_that_is_none_is_passed_over(start: Start, target: str, given: str) -> None:
    asked = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-ID: " % target.encode()
    async with start(**TRUSTING) as server:
        answer = await server.exchange(asked + given.encode() + b"\r\n\r\n")
    found = re.search(rb"\r\nx-request-id: ([^\r]*)\r\n", answer, re.IGNORECASE)
    if found is None:
        assert answer.startswith(b"HTTP/1.1 400")  # h11 refuses a field with such characters
    else:
        assert OWN_ID.fullmatch(found[1].decode())


@pytest.mark.parametrize("target", ["/edits", "/nothing"])
async def test_id_of_anybody_else_is_passed_over(server: Server, target: str) -> None:
    answer = await server.get(target, ("X-Request-ID", GIVEN))
    assert OWN_ID.fullmatch(answer.headers["x-request-id"])


async def test_line_of_a_refused_edit_has_its_id_and_author_and_no_address(
    start: Start, key_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_memory_log() as log, start(open_log=log, author_key_file=key_file) as server:
        monkeypatch.setattr(log, "append", _fail)
        with caplog.at_level(logging.INFO):
            answer = await server.place(1, 1, 1)
    assert answer.status == 503
    (line,) = [line for line in logged(caplog, logging.INFO) if line["event"] == "a request was refused"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["status"], line["code"], line["path"]) == (503, "log-unavailable", "/edit")
    assert line["author"] == f"{author_of('127.0.0.1', KEY):016x}"
    assert "127.0.0.1" not in str(line)


async def test_line_of_a_mistake_of_ours_has_its_id_and_traceback(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("placed.canvas.png.encode", _break)
    async with start() as server:
        answer = await server.get("/canvas.png")
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    (record,) = [record for record in caplog.records if record.name.startswith("placed.http")]
    assert isinstance(record.msg, dict)
    assert record.msg["request_id"] == answer.headers["x-request-id"]
    assert str(record.msg["exc_info"]) == "a mistake of ours"
    assert "127.0.0.1" not in str(record.msg)


async def test_lines_have_addresses_when_the_operator_wants_them(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_memory_log() as log, start(open_log=log, log_addresses=True, **TRUSTING) as server:
        monkeypatch.setattr(log, "append", _fail)
        with caplog.at_level(logging.INFO):
            await server.place(1, 1, 1, ("X-Forwarded-For", "192.0.2.7"))
    (line,) = [line for line in logged(caplog, logging.INFO) if line["event"] == "a request was refused"]
    assert line["address"] == "192.0.2.7"
    assert re.fullmatch("[0-9a-f]{16}", line["author"])


async def test_refusals_that_clients_bring_upon_themselves_make_no_line(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await server.place("foo", 1, 1)
        await server.get("/nothing")
        await server.exchange(b"nonsense\r\n\r\n")
    assert logged(caplog, logging.INFO) == []


async def test_every_request_makes_a_line_at_debug(start: Start, lane: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with start() as server:
            await server.place(1, 1, 1)
            await server.place("foo", 1, 1)
            await server.get("/FORGED")
            await server.get("/static/FORGED")
    lines = [line for line in logged(caplog, logging.DEBUG) if "path" in line]
    told = [(line["event"], line["path"], line["status"]) for line in lines]
    assert told == [
        ("a request was answered", "/edit", 200),
        ("a request was refused", "/edit", 400),
        ("a request was refused", "another", 404),
        ("a request was refused", "/static", 404),
    ]
    assert lines[0]["lane"] == lane
    assert all(re.fullmatch("[0-9a-f]{16}", line["author"]) for line in lines)
    assert "FORGED" not in str(lines)
    assert "127.0.0.1" not in str(lines)


def test_client_whose_proxies_contradict_each_other_counts_as_its_peer(caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog(trusted_proxies=TRUSTING["trusted_proxies"], author_key=KEY, log_addresses=True)
    headers = {"x-forwarded-for": "192.0.2.1", "forwarded": "for=192.0.2.2"}
    log.refused(RuntimeError("x"), "/edit", Request("POST", "", headers, "127.0.0.1"))
    assert logged(caplog)[0]["address"] == "127.0.0.1"


def test_path_of_a_request_that_failed_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    request = Request("GET", "", {}, "")
    RequestLog().refused(RuntimeError("x"), "/static/" + "a" * 4_000, request)
    assert len(logged(caplog)[0]["path"]) == 128
