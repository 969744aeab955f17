"""The one place where errors become answers, for both lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.http.answer import Problem
from placed.structured_logs import get_logger

if TYPE_CHECKING:
    from placed.http.answer import Answer
    from placed.http.api import Api


def refusal(api: Api, path: str, error: Exception) -> Answer:
    """The answer to a request for `path` that ended with `error`: a problem, or a mistake of ours."""
    if isinstance(error, Problem):
        problem = error
    else:
        get_logger(__name__).error("request failed", path=path, exc_info=error)
        detail = "the server made a mistake; its operator will find it in the logs"
        problem = Problem(500, "internal", detail)
    if path == "/edit":
        api.metrics.refused(problem.code)
    return problem.answer()
