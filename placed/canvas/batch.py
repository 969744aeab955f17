"""A batch: consecutive records as they were read from a log, before anything has been decoded. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@attrs.frozen(eq=False)
class Batch:
    """Consecutive records in the order of their offsets; none where only a gap has been read.

    Attributes:
        offsets: int64, shape (n,), strictly increasing.
        times_ms: int64, shape (n,), the log's own time of each record, in ms since the epoch.
        values: the n records' bytes.
        gap_end: the offset behind the gap, where n is 0.
    """

    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: list[bytes]
    gap_end: int | None = None

    @property
    def next_offset(self) -> int:
        """The offset to read from after this batch."""
        return int(self.offsets[-1]) + 1 if self.gap_end is None else self.gap_end
