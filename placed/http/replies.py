"""Replies: the one place that answers pass on their way out, in both lanes.

Each request ends with an answer or an error. Here, exactly once, it is counted, logged, and given the headers that
every answer has. `placed.http.lanes.wire` makes bytes of the result.
"""

from __future__ import annotations

import attrs

from placed.http.answer import Answer, Problem, Request
from placed.http.origin import cors
from placed.http.request_log import RequestLog


@attrs.frozen
class Replies:
    """The way out for one server's answers.

    Attributes:
        requests: counts requests and writes log lines.
        allow_origins: sites whose pages may read answers.
    """

    requests: RequestLog = attrs.field(factory=RequestLog)
    allow_origins: tuple[str, ...] = ()

    def reply(
        self, lane: str, path: str, outcome: Answer | Exception, request: Request, *, request_id: str | None = None
    ) -> Answer:
        """The answer to `request`, ready to be sent. The sender of the answer calls this once for each request.

        Args:
            lane: the lane that the request came by.
            path: empty while the server hasn't read it.
            outcome: an answer, or the error that ended the request.
            request: the request, as far as the server has read it.
            request_id: the request's id, if it has one already.
        """
        answer = outcome
        if not isinstance(answer, Answer):
            answer = self.requests.refused(answer, path, request, request_id=request_id)
        self.requests.answered(lane, path, answer.status, request)
        # Checked here, because two needless calls would cost each edit 0.2 us.
        return answer.with_headers(*cors(request, self.allow_origins)) if self.allow_origins else answer

    def refuse_unread(self, lane: str, problem: Problem, peer: str, *, path: str = "") -> Answer:
        """The same for a request from the address `peer` that the server never read completely."""
        return self.reply(lane, path, problem, Request("", "", {}, peer))
