"""The ledger's part for the gate and the announcement: a plain loop applies the log's acts to them. Pure.

A plan is an act with `at`. When its time has come, the server appends an act of the same kind with `plan`. Around a
crash it may append that several times; only the first one counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class GateLedger:
    """What the log's acts have set for everybody.

    Attributes:
        is_open: whether the canvas takes edits.
        plans: kinds of the plans that haven't come true, by the plan's id.
        text: the announcement; None if there is none.
    """

    def __init__(self) -> None:
        self.is_open = True
        self.plans: dict[int, str] = {}
        self.text: str | None = None

    def counts(self, told: Mapping[str, Any]) -> bool:
        """Whether an act changes anything: a plan can come true only once."""
        return told.get("plan") is None or self.plans.get(told["plan"]) == told["kind"]

    def read(self, act: int, told: Mapping[str, Any]) -> None:
        """Apply an act that counts, with its fields and the id `act`."""
        match told["kind"]:
            case "announce":
                self.text = told["text"]
            case "undo":
                self.plans.pop(told["act"], None)
            case "open" | "close" if told.get("at") is not None:
                self.plans[act] = told["kind"]
            case "open" | "close":
                self.plans.pop(told.get("plan", -1), None)
                self.is_open = told["kind"] == "open"

    def differs(self, info: Mapping[str, Any]) -> str | None:
        """How a server's `/info` differs; None if it doesn't. A plan may come true at any moment."""
        text = (info["announcement"] or {}).get("text")
        if text != self.text:
            return f"it announces {text!r}; the log has {self.text!r}"
        if not self.plans and info["gate"] != {"open": self.is_open, "opens": None, "closes": None}:
            return f"its gate is {info['gate']}; in the log it is {'open' if self.is_open else 'closed'}"
        return None
