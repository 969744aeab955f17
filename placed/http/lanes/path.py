"""A path in the slow lane's map of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart.routing import QuartRule

if TYPE_CHECKING:
    from collections.abc import Callable


class Path(QuartRule):
    """A path that is only looked up: no code here asks for an endpoint's address by its name.

    Werkzeug writes, compiles and keeps two functions for each path that give its address. For the 45 paths together
    that was half of what it costs to make a server ready. A Werkzeug that names this method otherwise goes on writing
    them, and nothing else changes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        def refuse(*_: object, **__: object) -> tuple[str, str]:
            raise NotImplementedError(f"no address is made of {self.rule}")

        return refuse
