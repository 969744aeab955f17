"""The contract of a keyed topic: the last record of each key counts, and one without a value deletes its key.

The broker compacts the topic: it drops all of a key's records but the last one, and after a while also the last one if
it has no value. So a reader from the beginning doesn't see all records that there ever were. Its result has to follow
from the last record of each key and its offset, and from nothing else.
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
    """A batch whose records have keys; a record with an empty value deletes its key.

    Attributes:
        keys: the n records' keys.
    """

    keys: list[bytes] = attrs.field(factory=list)


class KeyedTopic(Protocol):
    """A keyed topic, open. Its errors are those of `placed.backends`.

    Attributes:
        cautions: settings that an operator should know of, as sentences.
        segment_ms: how long the broker writes to one file, in ms; it compacts only files that it has finished.
        tombstone_ms: how long, in ms and at the least, the broker keeps a deleted key's last record, for servers that
            were away.
    """

    cautions: tuple[str, ...]
    segment_ms: int
    tombstone_ms: int

    @property
    def id(self) -> str:
        """The topic's identity; a topic made anew under the same name has another one."""

    async def bounds(self) -> tuple[int, int]:
        """The broker's first and next offset as of now; raises as `Log.bounds`."""

    async def put_all(self, records: Sequence[tuple[bytes, bytes | None]]) -> list[int]:
        """Append records of a key and a value, durably and in order, and return their offsets. Records of others may
        come between them.

        Raises:
            OutcomeUnknown: some of them, or all, may have been appended.
            LogError: none was appended.
        """

    def read(self, offset: int) -> AbstractAsyncContextManager[ReceiveChannel[Batch]]:
        """As `Log.read`; batches with records are `KeyedBatch`."""
