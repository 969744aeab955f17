"""nginx.conf with the real nginx and two servers of one log: what it caches, passes on, retries and refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import httpx
import pytest
import trio
import trustme

from placed.http.pages import client_folder
from tests.nginx.fleet import HEIGHT, LIMIT_SECONDS, WIDTH, run_fleet
from tests.support.http_connection import connect, get, place
from tests.support.painters import Load, at_random
from tests.support.stream_client import EventParser, Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from pathlib import Path


pytestmark = pytest.mark.timeout(180)

COLORS = 16
PAGE_LOADS = 1_000


async def test_a_thousand_page_loads_at_once_cost_the_servers_a_handful_of_images(tmp_path: Path) -> None:
    statuses = Counter[tuple[int, int]]()

    async def load_page(port: int) -> None:
        async with connect(port) as connection:
            page = await connection.request("/")
            image = await connection.request("/canvas.png")
        statuses[page.status, image.status] += 1

    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, unlimited=True) as fleet:
            async with trio.open_nursery() as nursery:
                for _ in range(PAGE_LOADS):
                    nursery.start_soon(load_page, fleet.port)
            encodes = await fleet.metric("placed_image_encode_seconds_count")
            images = [line for line in fleet.nginx.access_lines() if "/canvas.png" in line]
    assert statuses == {(200, 200): PAGE_LOADS}
    assert encodes <= 5
    assert len(images) == PAGE_LOADS
    asked = [line for line in images if line.rsplit(" ", 1)[1] in {"MISS", "EXPIRED", "BYPASS"}]
    assert len(asked) <= 5


async def test_cached_image_that_is_old_is_exact_with_the_stream(tmp_path: Path, chance: random.Random) -> None:
    """Clients take any image from the cache, while people paint on both servers, and end with the servers' canvas."""
    load = Load(islice(at_random(chance, WIDTH, HEIGHT, COLORS), 600))
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, unlimited=True) as fleet:
            async with trio.open_nursery() as nursery:
                clients = [
                    StreamClient(fleet.port, Habits(as_json=n == 0, image_seconds=n / 3), chance) for n in range(6)
                ]
                for client in clients:
                    nursery.start_soon(client.run)
                await load.paint(fleet.port, people=4, pause_seconds=0.01)
                assert load.refused == []
                assert len(load.acknowledged) == 600
                version = max(version for _, version in load.acknowledged)
                log = (await get(fleet.port, "/info")).json()["log"]
                for client in clients:
                    await client.wait_for(log, version)
                images = [await served_pixels(port, version) for port in fleet.ports]
                assert [bytes(client.pixels) for client in clients] == [images[0]] * len(clients)
                nursery.cancel_scope.cancel()
            assert images[0] == images[1]
            cached = [line for line in fleet.nginx.access_lines() if line.endswith((" HIT", " STALE", " UPDATING"))]
            assert cached


async def test_image_has_the_headers_that_clients_need_from_the_cache_too(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            first = await connection.request("/canvas.png")
            again = await connection.request("/canvas.png?made=up", headers=(("Cookie", "a=b"),))
            assert again.headers["x-cache"] in {"HIT", "STALE", "UPDATING"}
            for name in ("x-canvas-version", "x-canvas-log", "etag", "last-modified", "cache-control"):
                assert first.headers[name] == again.headers[name]
            assert first.body == again.body
            unchanged = await connection.request("/canvas.png", headers=(("If-None-Match", first.headers["etag"]),))
            assert (unchanged.status, unchanged.body) == (304, b"")
            head = await connection.request("/canvas.png", method="HEAD")
            assert (head.status, head.body, head.headers["etag"]) == (200, b"", first.headers["etag"])
            past = await connection.request("/canvas.png?v=1")
            assert past.headers["x-cache"] == "MISS"


async def test_bare_canvas_is_cached_as_the_image_is(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            first = await connection.request("/canvas.bin")
            again = await connection.request("/canvas.bin?made=up")
            image = await connection.request("/canvas.png")
    assert (first.status, len(first.body)) == (200, WIDTH * HEIGHT)
    assert again.headers["x-cache"] in {"HIT", "STALE", "UPDATING"}
    assert again.body == first.body
    assert image.headers["content-type"] == "image/png"


async def test_the_past_is_cached_for_as_long_as_it_does_not_change(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            placed = await connection.request("/edit?x=1&y=2&color=3", method="POST")
            version = placed.json()["v"]
            targets = [f"/history/canvas.png?v={version}&scale=2", f"/history/edits?from=0&to={version}"]
            for target in targets:
                first, again = [await connection.request(target) for _ in range(2)]
                assert (first.status, again.status) == (200, 200)
                assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT")
                assert first.body == again.body
                direct = [await get(port, target) for port in fleet.ports]
                assert [each.body for each in direct] == [first.body] * 2
            told = [await connection.request("/history") for _ in range(2)]
            assert [each.headers["x-cache"] for each in told] == ["MISS", "MISS"]
            wrong = await connection.request("/history/canvas.png?v=x")
            assert (wrong.status, wrong.json()["code"]) == (400, "invalid-parameter")


async def test_many_edits_in_one_request_polls_and_pictures_to_stamp_come_through(tmp_path: Path) -> None:
    edits = [[x, y, 1 + x % (COLORS - 1)] for y in range(20) for x in range(50)]
    body = json.dumps({"edits": edits}, indent=4).encode()
    assert len(body) > 60_000
    as_json = (("Content-Type", "application/json"),)
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as painter, connect(fleet.port) as poller:
            await poller.send("/edits?v=1&wait=20&format=json")
            placed = await painter.request("/edits", method="POST", headers=as_json, body=body)
            assert (placed.status, placed.json()) == (200, {"v": 2})
            answer = await poller.answer()  # as soon as there is something, and complete
            assert (answer.status, "content-length" in answer.headers) == (200, True)
            frames = [json.loads(event.data) for event in EventParser().feed(answer.body)]
            assert [edit for frame in frames for edit in frame["edits"]] == edits
            too_long = await painter.request("/edits", method="POST", headers=as_json, body=bytes(100_000))
            assert too_long.status == 413
            stamp = json.dumps({"kind": "stamp", "area": [0, 0, 9, 9], "picture": "A" * 500_000}).encode()
            acted = await poller.request("/acts", method="POST", headers=as_json, body=stamp)
            assert (acted.status, acted.json()["code"]) == (401, "sign-in")  # the server's own answer


async def test_errors_come_through_and_what_is_for_operators_does_not(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            wrong = await place(connection, -1, 0, 0)
            assert (wrong.status, wrong.headers["content-type"]) == (400, "application/problem+json")
            assert wrong.json()["code"] == "invalid-parameter"
            for path in ("/metrics", "/readyz"):
                assert (await connection.request(path)).status == 404
            assert (await connection.request("/healthz")).status == 200


async def test_page_of_either_version_gets_its_files_while_servers_are_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = shutil.copytree(client_folder(), tmp_path / "client")
    (newer / "main.js").write_text("// newer\nthrow 1\n")
    folders = iter([client_folder(), newer])
    monkeypatch.setattr("placed.service.host_page.client_folder", lambda: next(folders))
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            pages = {(await get(port, "/")).body.decode() for port in fleet.ports}
            assert len(pages) == 2
            for page in pages:
                files = set(re.findall(r'"(static/[^"]+)"', page))
                assert len(files) > 1
                for file in sorted(files) * 2:
                    assert (await connection.request(f"/{file}")).status == 200, file
            gone = await connection.request("/static/0123456789abcdef01234567/main.js")
            assert (gone.status, gone.headers["cache-control"]) == (404, "no-store")


async def test_client_is_who_nginx_says_whatever_it_says_itself(tmp_path: Path) -> None:
    """All charges of an address are spent; another address in a header gives no new ones."""
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, charges=2) as fleet, connect(fleet.port) as connection:
            for number in range(2):
                answer = await place(connection, number, 0, 1)
                assert answer.status == 200
            for port in fleet.ports:  # the servers share charges once they have read the edits
                await served_pixels(port, answer.json()["v"])
            for headers in ((("X-Forwarded-For", "203.0.113.9"),), (("Forwarded", "for=203.0.113.9"),)):
                refused = await connection.request("/edit?x=3&y=3&color=1", method="POST", headers=headers)
                assert (refused.status, refused.json()["code"]) == (429, "cooldown")


async def test_refusal_is_found_in_the_log_of_nginx_by_its_id(tmp_path: Path) -> None:
    own = ("X-Request-ID", "made-up")
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet:
            ids = [
                (await get(fleet.port, target, own)).headers["x-request-id"]
                for target in ("/edits", "/nothing", "/edit")
            ]
        lines = fleet.nginx.access_lines()  # nginx has ended, so these are all lines
    assert sorted(line.split(" ")[-3] for line in lines) == sorted(ids)
    assert len({*ids, "made-up"}) == 4


async def test_stream_is_not_held_back(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as stream, connect(fleet.port) as connection:
            await stream.send("/edits?v=1")
            assert (await stream.head()).headers["content-type"] == "text/event-stream"
            for number in range(5):
                assert (await place(connection, number, 0, 1)).status == 200
                with trio.fail_after(2):
                    while b"id:" not in (await stream.data() or b""):
                        pass


async def test_a_server_that_is_gone_is_left_out_and_its_streams_move(tmp_path: Path, chance: random.Random) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet:
            async with trio.open_nursery() as nursery:
                clients = [StreamClient(fleet.port, Habits(), chance) for _ in range(4)]
                for client in clients:
                    nursery.start_soon(client.run)
                for x in range(2):  # the first may come with the image, the second comes by the stream
                    async with connect(fleet.port) as connection:
                        version = (await place(connection, x, 1, 1)).json()["v"]
                    for client in clients:
                        await client.wait_past(version)
                fleet.stops[0].set()
                await fleet.running[0].stopped.wait()
                for number in range(20):
                    async with connect(fleet.port) as connection:
                        answer = await place(connection, number, 2, 3)
                        assert answer.status == 200, answer
                for client in clients:
                    await client.wait_past(answer.json()["v"])
                pixels = await served_pixels(fleet.ports[1], answer.json()["v"])
                assert [bytes(client.pixels) for client in clients] == [pixels] * 4
                nursery.cancel_scope.cancel()
            # Two of the four were connected to the server that stopped.
            assert sum(client.told.cuts for client in clients) >= 1


async def test_reload_of_the_configuration_loses_no_stream(tmp_path: Path, chance: random.Random) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet:
            client = StreamClient(fleet.port, Habits(), chance)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.run)
                async with connect(fleet.port) as connection:
                    await client.wait_past((await place(connection, 1, 1, 1)).json()["v"])
                os.kill(fleet.nginx.pid, signal.SIGHUP)
                async with connect(fleet.port) as connection:
                    await client.wait_past((await place(connection, 2, 1, 1)).json()["v"])
                assert client.told.cuts == 0
                nursery.cancel_scope.cancel()


async def test_sites_that_may_use_the_api_get_their_own_answers_from_the_cache(tmp_path: Path) -> None:
    sites = ("https://one.example", "https://two.example")
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, allow_origins=sites, origins=sites) as fleet, connect(fleet.port) as connection:
            for _ in range(2):
                for site in (*sites, "https://evil.example", None):
                    headers = () if site is None else (("Origin", site),)
                    answer = await connection.request("/canvas.png", headers=headers)
                    assert answer.headers.get("access-control-allow-origin") == (site if site in sites else None)
                    assert answer.headers["vary"] == "Origin"
            # Made-up sites share one place in the cache.
            for number in range(5):
                headers = (("Origin", f"https://{number}.example"),)
                answer = await connection.request("/canvas.png", headers=headers)
                assert answer.headers["x-cache"] in {"HIT", "STALE", "UPDATING"}
            # The same sites can read nginx's own refusals.
            for site in (*sites, "https://evil.example"):
                refused = await connection.request("/metrics", headers=(("Origin", site),))
                assert refused.headers.get("access-control-allow-origin") == (site if site in sites else None)
                assert ("access-control-expose-headers" in refused.headers) == (site in sites)
                assert refused.headers["vary"] == "Origin"


async def test_cache_keeps_no_image_under_a_version_that_it_has_not_reached(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, unlimited=True) as fleet, connect(fleet.port) as connection:
            version = (await place(connection, 1, 1, 1)).json()["v"]
            early = await connection.request(f"/canvas.png?v={version + 1}")
            assert int(early.headers["x-canvas-version"]) <= version
            for port in fleet.ports:
                await served_pixels(port, version)
            assert (await place(connection, 2, 1, 1)).json()["v"] == version + 1
            for port in fleet.ports:
                await served_pixels(port, version + 1)
            reached = await connection.request(f"/canvas.png?v={version + 1}")
            assert int(reached.headers["x-canvas-version"]) == version + 1
            again = await connection.request(f"/canvas.png?v={version + 1}")
            assert again.headers["x-cache"] in {"HIT", "STALE", "UPDATING"}


async def test_tls_and_http2(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    folder = tmp_path / "nginx"
    folder.mkdir()
    (folder / "certificate.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(folder / "certificate.key"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, tls=True) as fleet, httpx.AsyncClient(verify=context, http2=True) as client:
            url = f"https://127.0.0.1:{fleet.nginx.tls_port}"
            answer = await client.get(f"{url}/info")
            assert (answer.http_version, answer.json()["width"]) == ("HTTP/2", WIDTH)
            placed = await client.post(f"{url}/edit?x=1&y=1&color=1", headers={"Origin": url})
            assert placed.status_code == 200
            assert (await client.get(f"{url}/canvas.png")).headers["content-type"] == "image/png"
