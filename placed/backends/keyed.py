"""A keyed topic: of each key the last record counts, and one without a value deletes its key. The contract; pure.

The broker compacts it: of a key's records it drops all but the last one, and after a while the last one, too, where
that has no value. So whoever reads from the beginning doesn't see all that there was. What they make of it has to
follow from the last record of each key and its offset, and from nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from placed.canvas.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from trio.abc import ReceiveChannel


@attrs.frozen(eq=False)
class KeyedBatch(Batch):
    """A batch whose records have keys; the value of one that deletes its key is empty.

    Attributes:
        keys: the n records' keys.
    """

    keys: list[bytes] = attrs.field(factory=list)


class KeyedTopic(Protocol):
    """An open one. Its errors are those of `placed.backends`.

    Attributes:
        cautions: settings that an operator should know of, as sentences.
        segment_ms: how long the broker writes to one file; it compacts none that it still writes to.
        tombstone_ms: how long, at the least, a deleted key's last record is there for those who were away.
    """

    cautions: tuple[str, ...]
    segment_ms: int
    tombstone_ms: int

    @property
    def id(self) -> str:
        """Its identity; one made anew under the same name has another."""

    async def bounds(self) -> tuple[int, int]:
        """The first and next offset, as the broker has them now; raises as `Log.bounds`."""

    async def put_all(self, records: Sequence[tuple[bytes, bytes | None]]) -> list[int]:
        """Append records of a key and a value, durably and in order; their offsets. Others' may come between.

        Raises:
            OutcomeUnknown: some of them, or all, may have been appended.
            LogError: none was.
        """

    def read(self, offset: int) -> AbstractAsyncContextManager[ReceiveChannel[Batch]]:
        """As `Log.read`; batches with records are `KeyedBatch`."""
