"""What schemathesis does otherwise than it would; loaded by schemathesis.toml."""

from __future__ import annotations

from typing import Any, Final

import schemathesis

_LONGEST_SECONDS: Final = 0.05


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Let no poll wait for long; what is no time to wait stays as it is."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait <= 30:
        case.query["wait"] = f"{min(wait, _LONGEST_SECONDS):.3f}"
