"""Makes an act for the log from the fields of a `POST /acts`, together with the pixels that it paints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts.gate import plans_of
from placed.canvas.acts.protections import protections
from placed.canvas.events import Act
from placed.http.answer import Problem, invalid_parameter, missing_parameter
from placed.moderation.asked_act import Asked, RestoreTo
from placed.moderation.present import CannotPaint
from placed.moderation.restore import Restore
from placed.moderation.stamp import Stamp, png_of
from placed.moderation.undo import Undo
from placed.moderation.wipe import Wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.canvas.projection import Projection
    from placed.http.act_fields import Fields

PICTURE: Final = "a PNG as base64, at most as wide and as high as the area"


@attrs.frozen
class Asking:
    """A request for an act: who sent it, when, and for which canvas.

    Attributes:
        fields: the request's fields.
        by: the author of the moderator or host who sent it.
        projection: the canvas, and the state that acts have set.
        now_ms: the wall clock.
        undone: the record's entry of the act to undo; None if it has no such act, or the request isn't an `undo`.
    """

    fields: Fields
    by: int
    projection: Projection
    now_ms: int
    undone: Mapping[str, Any] | None = None

    @property
    def acts(self) -> Mapping[str, Any]:
        """The state that acts have set."""
        return self.projection.kept.acts

    def asked(self) -> Asked:
        """The act, and what it paints.

        Raises:
            Problem: 400, a field is wrong or missing; 404, there is no such act, or it protects nothing; 409, the act
                can't be undone.
        """
        return _KINDS[self.fields.kind](self)

    def act(self, **told: Any) -> Act:
        """The act for the log, without the fields that are None."""
        reason = self.fields.text("reason")
        kept = {name: value for name, value in {"reason": reason, **told}.items() if value is not None}
        return Act(self.fields.kind, self.by, kept)


def _ban(asking: Asking) -> Asked:
    fields = asking.fields
    return Asked(asking.act(authors=fields.some_authors(), until=fields.moment_to_come("until", asking.now_ms)))


def _unban(asking: Asking) -> Asked:
    return Asked(asking.act(authors=asking.fields.some_authors()))


def _protect(asking: Asking) -> Asked:
    return Asked(asking.act(area=asking.fields.area(asking.projection.definition).as_json()))


def _unprotect(asking: Asking) -> Asked:
    act = asking.fields.act()
    if act not in {it.act for it in protections(asking.acts)}:
        raise Problem(404, "not-found", f"no area is protected by the act {act}")
    return Asked(asking.act(act=act))


def _open_or_close(asking: Asking) -> Asked:
    return Asked(asking.act(at=asking.fields.moment_to_come("at", asking.now_ms)))


def _announce(asking: Asking) -> Asked:
    fields = asking.fields
    return Asked(asking.act(text=fields.some_text("text"), until=fields.moment_to_come("until", asking.now_ms)))


def _wipe(asking: Asking) -> Asked:
    fields, definition = asking.fields, asking.projection.definition
    area = fields.area(definition)
    color = fields.number("color", 0, definition.colors - 1) if fields.has("color") else 0
    return Asked(asking.act(area=area.as_json(), color=color), Wipe(area, color))


def _stamp(asking: Asking) -> Asked:
    fields = asking.fields
    area = fields.area(asking.projection.definition)
    if not fields.has("picture"):
        raise missing_parameter("picture", PICTURE)
    text = fields.told["picture"]
    try:
        png = png_of(text if isinstance(text, str) else "-")
    except CannotPaint as error:
        raise invalid_parameter("picture", text, PICTURE) from error
    return Asked(asking.act(area=area.as_json()), Stamp(area, png))


def _restore(asking: Asking) -> Asked:
    fields, projection = asking.fields, asking.projection
    area = fields.area(projection.definition) if fields.has("area") else None
    authors = fields.authors()
    version, ms = fields.to(projection.version, asking.now_ms)
    if not authors and (area is None or (version is None and ms is None)):
        raise missing_parameter("authors", "the authors of the pixels, or an area and what to restore it to")
    to = None if version is None and ms is None else {"v": version} if ms is None else {"t": ms}
    act = asking.act(area=None if area is None else area.as_json(), authors=authors or None, to=to)
    # With a moment the version is 0 for now, until the history says which version that moment has.
    restore = Restore(area, version if ms is None else 0, frozenset(int(author, 16) for author in authors))
    return Asked(act, restore if ms is None else RestoreTo(ms, restore))


def _grow(asking: Asking) -> Asked:
    before = asking.projection.definition
    after = asking.fields.grown(before)
    colors = [f"#{after.rgb[at : at + 3].hex()}" for at in range(len(before.rgb), len(after.rgb), 3)]
    return Asked(asking.act(width=after.width, height=after.height, colors=colors), grows=after)


def _undo(asking: Asking) -> Asked:
    which, entry = asking.fields.act(), asking.undone
    if entry is None:
        raise Problem(404, "not-found", f"there is no act {which} on record")
    if "undone" in entry:
        raise Problem(409, "no-effect", f"the act {which} has been undone already, by the act {entry['undone']}")
    if entry["kind"] == "grow":
        raise Problem(409, "no-effect", f"the act {which} made the canvas larger, and no canvas gets smaller")
    if "at" in entry and which not in {plan.act for plan in plans_of(asking.acts)}:
        raise Problem(409, "no-effect", f"the plan of the act {which} has come true; undo the act that did it")
    paints = "pixels" in entry
    return Asked(asking.act(act=which, paints=paints or None), Undo(which) if paints else None)


_KINDS: Mapping[str, Callable[[Asking], Asked]] = {
    "ban": _ban,
    "unban": _unban,
    "restore": _restore,
    "wipe": _wipe,
    "stamp": _stamp,
    "undo": _undo,
    "protect": _protect,
    "unprotect": _unprotect,
    "open": _open_or_close,
    "close": _open_or_close,
    "announce": _announce,
    "grow": _grow,
}
