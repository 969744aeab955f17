"""Our changes to schemathesis's behaviour; schemathesis.toml loads them."""

from __future__ import annotations

import functools
from typing import Any, Final

import schemathesis

from tests.openapi.description import Document, parsed

_LONGEST_SECONDS: Final = 0.05


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Let no poll wait for long; a `wait` that isn't a time stays as it is."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait <= 30:
        case.query["wait"] = f"{min(wait, _LONGEST_SECONDS):.3f}"


@schemathesis.deserializer("text/yaml", "application/yaml")  # the first one is asked for both types
def deserialize_yaml(_context: Any, response: schemathesis.Response) -> Document:
    """Parse the answer of GET /openapi.yaml once, and not 40 times, which took a fifth of the whole run."""
    return _read(response.content)


_read: Final = functools.lru_cache(maxsize=1)(parsed)
