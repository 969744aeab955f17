"""Unknown addresses, over each lane, and the address `*`, which stands for the whole server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.lanes.test_app import MAIN, problem

if TYPE_CHECKING:
    from tests.support.serving import Server


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/edit/", "/EDIT", "/edit/1", "/canvas.png/", "/info/", "/static", "/static/"),
        *(
            "/static/nothing.js",
            "/static/../placed/service/wiring.py",
            "/static/%2e%2e/pyproject.toml",
            "/static//main.js",
        ),
        *("/static/..%2f..%2fpyproject.toml", f"{MAIN}%00", "/static/" + "x" * 4000, "/%ff", "/favicon.ico"),
        *("/static/x", "/static/%2fetc/passwd", "/static/main.js", "/static/0123456789abcdef01234567/main.js"),
        *(MAIN.replace("main.js", "nothing.js"), MAIN.replace("main.js", "index.html"), "/client/main.js"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_whatever_is_not_there_is_not_found(standing: Server, path: str, method: str) -> None:
    before = standing.state()
    response = await standing.request(method, path)
    if not (method == "POST" and path.startswith("/static/") and path != "/static/"):
        assert (response.status, problem(response)["code"]) == (404, "not-found")
    else:
        assert response.status in (404, 405)
    assert len(response.body) < 600
    await standing.assert_well(before)


async def test_what_is_not_there_is_named(standing: Server) -> None:
    told = problem(await standing.get("/there?is=nothing"))
    assert told["detail"] == "there is no '/there' here"


async def test_star_stands_for_the_whole_server(standing: Server) -> None:
    response = await standing.request("OPTIONS", "*")
    assert (response.status, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (await standing.get("*")).status == 404
