"""Sorts rows on the disk: it takes rows in any order, and yields them in the order of their times.

It is a merge sort. The spool sorts each block in memory and appends it to the files. To read the rows back, it cuts the
range of orders into parts of about `AT_ONCE` rows. A part takes its slice of each block, and numpy sorts it. So memory
holds one part, however many rows there are, and sorted input costs nothing extra. Rows of the same order are always in
the same part, and stay in the order of their arrival.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.commands.import_.rows import ROW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

AT_ONCE: Final = 1 << 18  # 262,144 rows are 9 MB
_SAMPLE_EVERY: Final = 1 << 10
_ORDER: Final = np.dtype("<i8")
_ROW_BYTES: Final = ROW.itemsize + _ORDER.itemsize


class SpoolUnusable(Exception):
    """There is no room for the rows; the message names the folder."""


class Spool:
    """Rows, dtype `ROW`, in files of a folder.

    Attributes:
        rows: the number of rows.
    """

    def __init__(self, folder: Path, *, at_once: int = AT_ONCE, sample_every: int = _SAMPLE_EVERY) -> None:
        self.rows = 0
        self._at_once = at_once
        self._sample_every = sample_every
        self._blocks: list[int] = []  # the number of rows in each
        self._samples: list[NDArray[np.int64]] = []
        self._row_path = folder / "rows"
        self._order_path = folder / "orders"  # a second file, so that a search reads little of the disk
        self._row_file = self._row_path.open("wb")
        self._order_file = self._order_path.open("wb")

    def add(self, rows: NDArray[np.void]) -> None:
        """Sort one block of rows, and write it.

        Raises:
            SpoolUnusable: there is no room for it.
        """
        if not len(rows):
            return
        orders = rows["order"].astype(_ORDER)
        if (np.diff(orders) < 0).any():
            places = np.argsort(orders, kind="stable")
            rows, orders = rows[places], orders[places]
        with self._written():
            self._row_file.write(np.ascontiguousarray(rows).view(np.uint8).data)
            self._order_file.write(orders.view(np.uint8).data)
        self._blocks.append(len(rows))
        self._samples.append(orders[:: self._sample_every].copy())
        self.rows += len(rows)

    def close(self) -> None:
        """End writing. Idempotent; raises as `add` does, because it writes the last bytes."""
        with self._written(), contextlib.closing(self._order_file):
            self._row_file.close()

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        # Not an OSError: the caller reads a table meanwhile, and would take it for an error of the table.
        try:
            yield
        except OSError as error:
            raise SpoolUnusable(
                f"{self._row_path.parent} can't be written: {error.strerror}; an import needs {_ROW_BYTES} bytes"
                " for each row there, in addition to the log"
            ) from error

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        """Yield all rows in order, in parts."""
        self.close()
        if not self.rows:
            return
        orders = np.memmap(self._order_path, _ORDER, "r")
        ends = np.cumsum(self._blocks)
        begins = ends - np.array(self._blocks)
        at = begins.copy()
        for pivot in self._pivots():
            until = np.array(
                [
                    a + np.searchsorted(orders[a:end], np.int64(pivot)) if a < end and orders[a] < pivot else a
                    for a, end in zip(at.tolist(), ends.tolist(), strict=True)
                ]
            )
            yield from self._part(at, until)
            at = until
        yield from self._part(at, ends)

    def _pivots(self) -> list[int]:
        """The orders where each part but the first begins, rising."""
        samples = np.sort(np.concatenate(self._samples))
        step = max(1, self._at_once // self._sample_every)
        pivots: list[int] = np.unique(samples[step::step]).tolist()
        return pivots

    def _part(self, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[NDArray[np.void]]:
        # Reads the file and doesn't map it: a map's pages count as this process's memory until it is closed.
        slices = [
            np.fromfile(self._row_path, ROW, b - a, offset=a * ROW.itemsize)
            for a, b in zip(begins.tolist(), ends.tolist(), strict=True)
            if a < b
        ]
        if slices:
            part = slices[0] if len(slices) == 1 else np.concatenate(slices)
            yield part if len(slices) == 1 else part[np.argsort(part["order"], kind="stable")]
