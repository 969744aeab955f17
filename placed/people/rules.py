"""Says which cooldown rule an author has, if the host gave people, programs and everybody else rules of their own.

Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.canvas.cooldown import Rule


@attrs.frozen
class RulesByRole:
    """Rules by role, in addition to the rule for everybody else; `placed.canvas.cooldown.Rules`.

    Attributes:
        roles: gives the roles of all authors that are more than a plain person; called for each look-up, because the
            store changes.
        bot: the rule of programs with a token.
        person: the rule of hosts and moderators. A plain person isn't in `roles`: where people sign in to paint,
            everybody is a person, and where they don't, only hosts and moderators are.
    """

    roles: Callable[[], Mapping[int, frozenset[str]]]
    bot: Rule
    person: Rule

    def of(self, author: int) -> Rule | None:
        """The rule of the author's role; None if the author has everybody's rule."""
        roles = self.roles().get(author)
        if roles is None:
            return None
        return self.bot if "bot" in roles else self.person

    @property
    def longest_ms(self) -> int:
        """The longest window of all rules."""
        return max(self.bot.window_ms, self.person.window_ms)
