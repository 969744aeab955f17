"""Tells an author's charges in answers: the headers of each edit, `cooldown` of /info and /me, and refusals. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placed.http.answer import Problem, retry_after

if TYPE_CHECKING:
    from placed.canvas.cooldown import Cooldowns, Rule, Standing
    from placed.http.answer import Headers


def charges_told(cooldowns: Cooldowns, author: int, now_ms: int) -> dict[str, Any]:
    """The member `cooldown`: the rule for the author, and the charges that they have left."""
    rule, standing = cooldowns.rule_of(author), cooldowns.standing(author, now_ms)
    return {
        "charges": rule.charges,
        "charge_seconds": rule.charge_ms / 1000,
        "remaining": standing.remaining,
        "next_seconds": standing.next_ms / 1000,
    }


def charges_left(cooldowns: Cooldowns, author: int, now_ms: int) -> Headers:
    """The headers of the answer to an edit; empty without a cooldown."""
    rule = cooldowns.rule_of(author)
    return _rate_limit(rule, cooldowns.standing(author, now_ms)) if rule.charge_ms else ()


def _rate_limit(rule: Rule, standing: Standing) -> Headers:
    """The headers of draft-ietf-httpapi-ratelimit-headers: policy, charges left, and seconds to the next charge."""
    window, reset = -(-rule.window_ms // 1000), -(-standing.next_ms // 1000)
    return (
        ("RateLimit-Policy", f'"edits";q={rule.charges};w={window}'),
        ("RateLimit", f'"edits";r={standing.remaining};t={reset}'),
    )


def too_few_charges(cooldowns: Cooldowns, author: int, now_ms: int, count: int) -> Problem:
    """The 429 for an author who needs `count` charges, and has fewer."""
    rule, standing = cooldowns.rule_of(author), cooldowns.standing(author, now_ms)
    seconds = cooldowns.wait_ms(author, now_ms, count) / 1000
    if count == 1:
        spent = "the one charge is" if rule.charges == 1 else f"all {rule.charges} charges are"
        detail = f"{spent} spent; the next one is back in {seconds:g} s"
    else:
        detail = f"{standing.remaining} of {rule.charges} charges are left; you will have {count} in {seconds:g} s"
    headers = (retry_after(seconds), *_rate_limit(rule, standing))
    return Problem(429, "cooldown", detail, *headers, retry_after_seconds=seconds)
