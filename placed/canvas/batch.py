"""A batch: consecutive records as a log gives them, not decoded yet. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@attrs.frozen(eq=False)
class Batch:
    """Consecutive records in the order of their offsets; no records if the reader has only passed a gap.

    Attributes:
        offsets: int64, shape (n,), strictly increasing.
        times_ms: int64, shape (n,), the log's own time of each record, in ms since the epoch.
        values: the n records' bytes.
        gap_end: the offset behind the gap if n is 0; else None.
    """

    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: list[bytes]
    gap_end: int | None = None

    @property
    def next_offset(self) -> int:
        """The offset to read from after this batch."""
        return int(self.offsets[-1]) + 1 if self.gap_end is None else self.gap_end
