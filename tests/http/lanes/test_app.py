"""Every endpoint, as its clients use it: the promises of design.md's table and of the API's documentation."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
import trio

from placed import __version__
from placed.backends.memory import open_memory_log
from placed.http.pages import client_folder, pages_in
from tests.support.exposition import metrics, subscribers
from tests.support.http_connection import connect
from tests.support.serving import HEIGHT, LIMIT_SECONDS, WIDTH, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.http_connection import Response
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

MAIN = f"/static/{pages_in(client_folder()).version}/main.js"
GETS = (
    *("/", MAIN, "/openapi.yaml", "/canvas.png", "/info", "/healthz", "/readyz", "/metrics"),
    *("/edits?v=0", "/canvas.bin"),
)
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


def problem(response: Response) -> dict[str, Any]:
    """The problem in an error answer; checks that it has all members of RFC 9457 and of our own list."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    told: dict[str, Any] = response.json()
    assert told["type"] == "about:blank"
    assert told["status"] == response.status
    assert told["title"]
    assert told["detail"]
    return told


async def test_info_tells_all_that_a_client_has_to_know(server: Server) -> None:
    response = await server.get("/info")
    told = response.json()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    palette, names = told.pop("palette"), told.pop("color_names")
    assert len(palette) == len(names) == 16
    assert palette[0] == "#ffffff"
    assert len(told.pop("log")) > 0
    assert told == {
        "software": f"placed/{__version__}",
        "width": WIDTH,
        "height": HEIGHT,
        "edit_code": {"x_bits": 6, "y_bits": 5, "color_bits": 4, "bytes": 2},
        "version": 1,
        "viewers": 0,
        "writable": True,
        "cooldown": {"charges": 10, "charge_seconds": 0.0, "remaining": 10, "next_seconds": 0.0},
        "limits": {"body_bytes": 4096, "edits": 1000, "feed_first": 0},
        "sign_in": {
            "mode": "open",
            "required": False,
            "watch": "everybody",
            "join": False,
            "codes": False,
            "providers": [],
        },
        "challenge": False,
        "title": None,
        "about": False,
        "gate": {"open": True, "opens": None, "closes": None},
        "announcement": None,
    }


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/edit?x=39&y=29&color=15", (), b""),
        ("/edit", (FORM,), b"x=39&y=29&color=15"),
        ("/edit", (JSON,), b'{"x": 39, "y": 29, "color": 15}'),
        ("/edit", (("Content-Type", "application/json; charset=utf-8"),), b'{"x": "39", "y": "29", "color": "15"}'),
        ("/edit?x=39", (JSON,), b'{"y": 29, "color": 15, "more": [1, {"x": 5}]}'),
        ("/edit?x=39&y=29&color=15&more=x", (("Content-Type", "text/plain"),), b""),
    ],
)
async def test_edit_is_placed_however_it_is_sent(
    server: Server, target: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    response = await server.request("POST", target, *headers, body=body)
    assert (response.status, response.json()) == (200, {"v": 2})
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(response.headers)
    async with server.follow("v=1&format=json") as stream:
        assert json.loads((await stream.event()).data) == {"v": 2, "edits": [[39, 29, 15]]}
    assert server.projection.canvas[29, 39] == 15


@pytest.mark.parametrize("target", ["/canvas.png", "/canvas.bin", "/", MAIN, "/openapi.yaml"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '{}, "other"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_has_it_gets_304(standing: Server, target: str, form: str, method: str) -> None:
    whole = await standing.get(target)
    response = await standing.request(method, target, ("If-None-Match", form.format(whole.headers["etag"])))
    assert (response.status, response.body) == (304, b"")
    same = {"etag", "cache-control", "last-modified", "x-canvas-version", "x-canvas-log", "content-security-policy"}
    for name in same & set(whole.headers):
        assert response.headers[name] == whole.headers[name]
    # RFC 9110, section 8.6: the length of the whole body, or none.
    assert response.headers.get("content-length") in (None, whole.headers["content-length"])
    assert "content-type" not in response.headers


@pytest.mark.parametrize("target", ["/canvas.png", MAIN])
@pytest.mark.parametrize("tag", ['"other"', "", "W/", '"', "{0:.5}"])
async def test_who_has_another_gets_the_whole(standing: Server, target: str, tag: str) -> None:
    etag = (await standing.get(target)).headers["etag"]
    assert (await standing.get(target, ("If-None-Match", tag.format(etag)))).status == 200


async def test_if_modified_since_counts_only_without_if_none_match(server: Server) -> None:
    modified = ("If-Modified-Since", (await server.get("/canvas.png")).headers["last-modified"])
    assert (await server.get("/canvas.png", modified)).status == 304
    assert (await server.get("/canvas.png", modified, ("If-None-Match", '"other"'))).status == 200
    assert (await server.get("/canvas.png", ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"))).status == 200
    assert (await server.get("/canvas.png", ("If-Modified-Since", "yesterday"))).status == 200


@pytest.mark.parametrize("target", GETS)
async def test_head_is_get_without_its_body(standing: Server, target: str) -> None:
    async with connect(standing.port) as connection:
        head = await connection.request(target, method="HEAD")
        again = await connection.request("/healthz")  # the connection still works
    assert (head.status, head.body, again.body) == (200, b"", b"ok\n")
    if not target.startswith("/edits"):
        whole = await standing.get(target)
        named = {"content-type", "etag", "cache-control"} | (set() if target == "/metrics" else {"content-length"})
        assert {name: head.headers.get(name) for name in named} == {name: whole.headers.get(name) for name in named}
    else:
        assert head.headers["content-type"] == "text/event-stream"
    assert standing.projection.feed.version == 1


async def test_head_of_a_stream_leaves_no_subscriber(server: Server) -> None:
    for _ in range(3):
        await server.request("HEAD", "/edits?v=0")
    assert subscribers(await metrics(server.port)) == 0


async def test_metrics_count_what_happened(server: Server) -> None:
    await server.place(1, 1, 1)
    await server.place(1, 1, 99)
    async with server.follow("v=0") as stream:
        await stream.event()
        told = await metrics(server.port)
    assert told['placed_edit_requests_total{outcome="placed"}'] == 1
    assert told['placed_edit_requests_total{outcome="invalid-parameter"}'] == 1
    assert told["placed_version"] == 2
    assert told["placed_edits_applied_total"] == 1
    assert subscribers(told) == 1
    assert told["placed_connections"] >= 2
    assert told["placed_log_reachable"] == 1


async def test_health_and_readiness(server: Server) -> None:
    assert (await server.get("/healthz")).body == b"ok\n"
    assert (await server.get("/readyz")).json() == {"ready": True, "version": 1, "lag": 0}


ALLOWED = {target.partition("?")[0]: "GET, HEAD, OPTIONS" for target in GETS} | {
    "/edit": "OPTIONS, POST",
    "/edits": "GET, HEAD, OPTIONS, POST",
}


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "OPTIONS"])
async def test_other_methods_get_405_with_those_that_are_allowed(
    standing: Server, path: str, allowed: str, method: str
) -> None:
    if method in allowed.split(", ") and method != "OPTIONS":
        return
    before = standing.state()
    response = await standing.request(method, f"{path}?x=1&y=1&color=1&v=0")
    assert response.headers["allow"] == allowed
    if method == "OPTIONS":
        assert (response.status, response.body) == (204, b"")
        assert "content-length" not in response.headers  # RFC 9110, section 8.6
    else:
        assert response.status == 405
        assert problem(response)["code"] == "method-not-allowed"
        assert method in problem(response)["detail"]
    await standing.assert_well(before)


async def test_page_may_use_nothing_but_its_own_site(server: Server) -> None:
    response = await server.get("/")
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert "unsafe" not in response.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'self'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert f'src="{MAIN[1:]}"'.encode() in response.body
    assert response.headers["content-type"] == "text/html; charset=utf-8"


async def test_page_may_be_shown_in_frames_of_allowed_sites_alone(start: Start) -> None:
    async with start(allow_embeds=("https://school.test:8443", "capacitor://localhost")) as server:
        whole = await server.get("/")
        known = await server.get("/", ("If-None-Match", whole.headers["etag"]))  # from now on these headers count
        assert (whole.status, known.status) == (200, 304)
        for response in (whole, known):
            directives = response.headers["content-security-policy"].split("; ")
            framing = [each for each in directives if each.startswith("frame-ancestors")]
            assert framing == ["frame-ancestors 'self' https://school.test:8443 capacitor://localhost"]


async def test_charges_are_spent_told_and_refused_without_a_trace_in_the_log(start: Start) -> None:
    async with start(charges=3, charge_seconds=100) as server:
        told = [await server.place(at, 0, 1) for at in range(3)]
        assert [response.status for response in told] == [200] * 3
        assert told[0].headers["ratelimit-policy"] == '"edits";q=3;w=300'
        assert [response.headers["ratelimit"].partition(";t=")[0] for response in told] == [
            '"edits";r=2',
            '"edits";r=1',
            '"edits";r=0',
        ]
        before = server.state()
        refused = await server.place(5, 5, 5)
        assert refused.status == 429
        body = problem(refused)
        assert body["code"] == "cooldown"
        assert 90 < body["retry_after_seconds"] <= 100
        assert int(refused.headers["retry-after"]) >= body["retry_after_seconds"]
        assert refused.headers["ratelimit"].startswith('"edits";r=0;t=')
        cooldown = (await server.info())["cooldown"]
        assert (cooldown["charges"], cooldown["charge_seconds"], cooldown["remaining"]) == (3, 100.0, 0)
        assert 90 < cooldown["next_seconds"] <= 100
        await server.assert_well(before)


async def test_parallel_requests_do_not_beat_the_cooldown(start: Start) -> None:
    async with start(charges=5, charge_seconds=100) as server:
        statuses: list[int] = []

        async def place(x: int) -> None:
            statuses.append((await server.place(x, 0, 1)).status)

        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                for x in range(30):
                    nursery.start_soon(place, x)
        assert sorted(statuses) == [200] * 5 + [429] * 25
        assert np.count_nonzero(server.projection.canvas) == 5


async def test_refused_edits_cost_no_charge(start: Start) -> None:
    async with start(charges=2, charge_seconds=100) as server:
        for _ in range(5):
            assert (await server.place("foo", 1, 1)).status == 400
        assert (await server.info())["cooldown"]["remaining"] == 2


@pytest.mark.parametrize("way", ["clean stop", "snapshot lost"])
async def test_cooldown_and_canvas_outlive_a_restart(start: Start, way: str, tmp_path: Path) -> None:
    lasting = {"log": None, "charges": 3, "charge_seconds": 100}
    async with start(**lasting) as server:
        for x in range(3):
            await server.place(x, 0, 4)
        before, log = server.state(), (await server.info())["log"]
    if way == "snapshot lost":  # as after a kill before the first snapshot
        for file in (tmp_path / "data" / "snapshot").iterdir():
            file.unlink()
    async with start(**lasting) as server:
        assert (await server.place(9, 9, 9)).status == 429
        assert (await server.info())["log"] == log
        await server.assert_well(before)
        async with server.follow(f"v=1&log={log}&format=json") as stream:  # a client goes on as if nothing had happened
            assert json.loads((await stream.event()).data)["v"] == 4


async def test_page_of_another_site_may_not_paint(server: Server) -> None:
    before = server.state()
    response = await server.place(1, 1, 1, ("Origin", "https://other.test"))
    assert (response.status, problem(response)["code"]) == (403, "cross-site")
    await server.assert_well(before)


async def test_allowed_site_may_use_everything(start: Start) -> None:
    origin = ("Origin", "https://friend.test")
    async with start(allow_origins=("https://friend.test",)) as server:
        preflight = await server.request("OPTIONS", "/edit", origin, ("Access-Control-Request-Method", "POST"))
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == "https://friend.test"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert "Content-Type" in preflight.headers["access-control-allow-headers"]
        assert (await server.place(1, 1, 1, origin, ("Sec-Fetch-Site", "cross-site"))).status == 200
        for response in (
            await server.get("/info", origin),
            await server.get("/canvas.png", origin),
            await server.get("/nothing", origin),
            await server.place("x", 1, 1, origin),
            await server.request("HEAD", "/edits?v=0", origin),
        ):
            assert response.headers["access-control-allow-origin"] == "https://friend.test"
            assert "X-Canvas-Version" in response.headers["access-control-expose-headers"]
            assert "Origin" in response.headers["vary"]
        assert "access-control-allow-origin" not in (await server.get("/info", ("Origin", "https://foe.test"))).headers


@pytest.mark.parametrize("origin", ["null", "capacitor://localhost", "chrome-extension://abcdefghijklmnop"])
async def test_app_whose_origin_is_allowed_may_use_everything(start: Start, origin: str) -> None:
    async with start(allow_origins=(origin,)) as server:
        for response in (
            await server.place(1, 1, 1, ("Origin", origin), ("Sec-Fetch-Site", "cross-site")),
            await server.get("/canvas.png", ("Origin", origin)),
            await server.request("OPTIONS", "/edit", ("Origin", origin)),
        ):
            assert response.status in (200, 204)
            assert response.headers["access-control-allow-origin"] == origin
            assert "Origin" in response.headers["vary"]
        assert (await server.place(1, 1, 1, ("Origin", "tauri://localhost"))).status == 403


async def test_refusals_before_the_app_can_be_read_by_an_allowed_site(start: Start) -> None:
    async with start(allow_origins=("https://friend.test",)) as server:
        for friend in ("https://friend.test", "https://foe.test"):
            response = await server.get("//", ("Origin", friend))
            assert response.status == 404
            assert response.headers["vary"] == "Origin"
            assert ("access-control-allow-origin" in response.headers) is (friend == "https://friend.test")


async def test_without_allowed_sites_no_answer_lets_another_one_read(server: Server) -> None:
    for target in [each for each in GETS if not each.startswith("/edits")]:
        response = await server.get(target, ("Origin", "https://other.test"))
        assert "access-control-allow-origin" not in response.headers


async def test_client_behind_a_trusted_proxy_has_charges_of_its_own(start: Start) -> None:
    async with start(charges=1, charge_seconds=100, trusted_proxies=(ip_network("127.0.0.0/8"),)) as server:
        assert (await server.place(0, 0, 1, ("X-Forwarded-For", "203.0.113.1"))).status == 200
        assert (await server.place(1, 0, 1, ("X-Forwarded-For", "203.0.113.2"))).status == 200
        forged = ("X-Forwarded-For", "203.0.113.9, 203.0.113.1")
        assert (await server.place(2, 0, 1, forged)).status == 429
        assert (await server.place(3, 0, 1, ("Forwarded", 'for="203.0.113.3:99";proto=https'))).status == 200


async def test_client_itself_cannot_choose_its_address(start: Start) -> None:
    async with start(charges=1, charge_seconds=100) as server:
        assert (await server.place(0, 0, 1, ("X-Forwarded-For", "203.0.113.1"))).status == 200
        assert (await server.place(1, 0, 1, ("X-Forwarded-For", "203.0.113.2"))).status == 429
        assert (await server.place(1, 0, 1, ("Forwarded", "for=203.0.113.2"))).status == 429


async def test_fault_is_answered_500_and_told_to_the_operator_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = server.state()
    with monkeypatch.context() as patch:
        patch.setattr("placed.http.api.edit_of", lambda *_: 1 / 0)
        response = await server.place(1, 1, 1)
    assert (response.status, problem(response)["code"]) == (500, "internal")
    assert b"division" not in response.body
    assert any("request failed" in str(record.msg) for record in caplog.records)
    await server.assert_well(before)


async def test_two_servers_over_one_log_have_one_canvas(lane: str, tmp_path: Path) -> None:
    async with (
        open_memory_log() as log,
        serving(lane, tmp_path / "one", open_log=log) as one,
        serving(lane, tmp_path / "other", open_log=log) as other,
    ):
        assert (await one.place(1, 2, 3)).json() == {"v": 2}
        assert (await other.place(1, 2, 4)).json() == {"v": 3}
        for server in (one, other):
            async with server.follow("v=2") as stream:
                assert (await stream.event()).id == "3"
        assert (one.projection.canvas == other.projection.canvas).all()
        assert attrs.asdict(one.definition) == attrs.asdict(other.definition)
