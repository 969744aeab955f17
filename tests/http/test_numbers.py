"""Whole numbers: every endpoint accepts the same spellings, and refuses the same ones, in both lanes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from placed.canvas.whole_number import whole
from tests.support.people import Host

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

# A number's spelling in JSON, and its value; None if it isn't a number.
SPELLED = {
    "1": 1,
    "1.0": 1,
    "1e0": 1,
    '"1"': 1,
    "1.5": None,
    "true": None,
    '"1.0"': None,
    '"1_0"': None,
    '"\\u0661"': None,  # a digit of another script
    '" 1"': None,
    "[1]": None,
    "{}": None,
    "1e400": None,
}
# The path, a body in which `@` is the number, and the sender.
TAKEN = {
    "edit": ("/edit", '{"x": @, "y": 2, "color": 3}', "bot"),
    "edits": ("/edits", '{"edits": [[2, @, 3]]}', "bot"),
    "a report's place": ("/reports", '{"x": @, "y": 2, "text": "a"}', "one"),
    "a report's area": ("/reports", '{"area": [0, 0, @, 2], "text": "a"}', "other"),
    "an act's area": ("/acts", '{"kind": "wipe", "area": [@, 0, 2, 2], "preview": true}', "host"),
    "an act's color": ("/acts", '{"kind": "wipe", "area": [0, 0, 2, 2], "color": @, "preview": true}', "host"),
    "people": ("/people/codes", '{"count": @}', "host"),
}


@pytest.mark.parametrize(("spelled", "number"), SPELLED.items())
def test_number_is_read_by_one_rule(spelled: str, number: int | None) -> None:
    assert whole(json.loads(spelled)) == number


async def test_every_endpoint_takes_the_same_numbers_and_refuses_the_same(start: Start, tmp_path: Path) -> None:
    host = Host(tmp_path / "data")
    tokens = {name: await host.token(name) for name in ("bot", "one", "other")} | {
        "host": await host.token("h", "host")
    }
    answers = {}
    async with start() as server:
        for name, (path, body, who) in TAKEN.items():
            for spelled in SPELLED:
                told = body.replace("@", spelled).encode()
                headers = (tokens[who], ("Content-Type", "application/json"))
                answers[name, spelled] = (await server.request("POST", path, *headers, body=told)).status
    assert answers == {
        (name, spelled): 400 if number is None else 200 for name in TAKEN for spelled, number in SPELLED.items()
    }
