"""A path in the slow lane's map of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart.routing import QuartRule

if TYPE_CHECKING:
    from collections.abc import Callable


class Path(QuartRule):
    """A path that is only looked up: no code here asks for an endpoint's address by its name.

    For each path, Werkzeug writes, compiles and keeps two functions that give its address. For the 45 paths together
    that took half of the time to make a server ready. If a later Werkzeug renames this method, it writes those
    functions again, and nothing else changes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        def refuse(*_: object, **__: object) -> tuple[str, str]:
            raise NotImplementedError(f"no address is made of {self.rule}")

        return refuse
