"""How the slow lane looks up paths, and that unknown paths cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from quart import Quart

from placed.http.lanes.path import Path

if TYPE_CHECKING:
    from werkzeug.routing import MapAdapter


@pytest.fixture
def paths() -> MapAdapter:
    """One path, which has the name `page`."""
    app = Quart(__name__, static_folder=None)
    app.url_rule_class = Path
    app.add_url_rule("/pages/<int:number>", "page", lambda number: str(number), methods=["GET"])
    return app.url_map.bind("placed.test")


def test_path_is_found(paths: MapAdapter) -> None:
    assert paths.match("/pages/7", method="GET") == ("page", {"number": 7})


def test_nothing_was_compiled_to_make_an_address_of_it(paths: MapAdapter) -> None:
    with pytest.raises(NotImplementedError, match="/pages/<int:number>"):
        paths.build("page", {"number": 7})
