"""What schemathesis has to be told of our server and can't read in the file; loaded by schemathesis.toml."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Send 1, where JSON Schema takes 1.0 for an integer too: the server refuses it, as docs/api.md says."""
    if not isinstance(body, dict):
        return body
    return {name: int(value) if _is_written_as_float(value) else value for name, value in body.items()}


def _is_written_as_float(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()
