"""Replies: the one place that answers pass on their way out, in both lanes.

Whatever a request came to, an answer or an error, is counted, told in the log and given the headers that every answer
has exactly once, here. `placed.http.lanes.wire` makes bytes of the result.
"""

from __future__ import annotations

import attrs

from placed.http.answer import Answer, Problem, Request
from placed.http.origin import cors
from placed.http.request_log import RequestLog


@attrs.frozen
class Replies:
    """One server's.

    Attributes:
        requests: counts them and writes lines.
        allow_origins: sites whose pages may read answers.
    """

    requests: RequestLog = attrs.field(factory=RequestLog)
    allow_origins: tuple[str, ...] = ()

    def reply(
        self, lane: str, path: str, outcome: Answer | Exception, request: Request, *, request_id: str | None = None
    ) -> Answer:
        """The answer to `request`, ready to be sent. To be called once for each request, by whoever sends it.

        Args:
            lane: that it came by.
            path: empty while nothing is known of it.
            outcome: an answer, or the error that ended the request.
            request: as far as it was read.
            request_id: where it has got one already.
        """
        answer = outcome
        if not isinstance(answer, Answer):
            answer = self.requests.refused(answer, path, request, request_id=request_id)
        self.requests.answered(lane, path, answer.status, request)
        # Asked here: two calls for nothing would cost each edit 0.2 us.
        return answer.with_headers(*cors(request, self.allow_origins)) if self.allow_origins else answer

    def refuse_unread(self, lane: str, problem: Problem, peer: str, *, path: str = "") -> Answer:
        """The same for what never became a whole request, from the address `peer`."""
        return self.reply(lane, path, problem, Request("", "", {}, peer))
