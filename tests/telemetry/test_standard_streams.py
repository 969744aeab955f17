"""Standard output and error: a writer never waits, and lines that couldn't be written are counted."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from placed.telemetry import standard_streams
from placed.telemetry.standard_streams import MOST_BYTES, QueuedText

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_SECONDS: Final = 20.0
LINE: Final = "x" * 99 + "\n"


@attrs.frozen
class Pipe:
    """A pipe, a stream that writes into it, and the stream's counts of left-out lines."""

    stream: QueuedText
    reading: int
    writing: int
    told: list[int] = attrs.field(factory=list)
    has_told: threading.Event = attrs.field(factory=threading.Event)

    def note(self, lines: int) -> None:
        self.told.append(lines)
        self.stream.write(f"{lines} are missing\n")
        self.has_told.set()

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        data = b""
        while len(data) < count:
            data += os.read(self.reading, count - len(data))
        return data

    def read_to(self, end: bytes) -> bytes:
        """Read up to and including `end`."""
        data = b""
        while not data.endswith(end):
            data += os.read(self.reading, 1)
        return data


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    made = Pipe(QueuedText(writing, "utf-8"), reading, writing)
    made.stream.on_left_out = made.note
    yield made
    with contextlib.suppress(OSError):
        os.close(reading)  # lets the stream's thread go on, with EPIPE
    made.stream.settle()
    os.close(writing)


def test_lines_come_in_order(pipe: Pipe) -> None:
    lines = [f"line {number}\n" for number in range(1_000)]
    for line in lines:
        pipe.stream.write(line)
    text = "".join(lines).encode()
    assert pipe.read(len(text)) == text
    assert pipe.stream.settle()


def test_writers_of_many_threads_get_whole_lines(pipe: Pipe) -> None:
    def write(letter: str) -> None:
        for _ in range(100):
            pipe.stream.write(letter * 50 + "\n")

    threads = [threading.Thread(target=write, args=[letter]) for letter in "abcd"]
    for thread in threads:
        thread.start()
    lines = pipe.read(4 * 100 * 51).split()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert sorted(lines) == sorted(letter * 50 for letter in (b"a", b"b", b"c", b"d") for _ in range(100))


def test_reader_that_is_stuck_holds_nobody_up_and_the_gap_is_told_where_it_is(pipe: Pipe) -> None:
    written = 2 * MOST_BYTES // len(LINE)
    for _ in range(written):
        pipe.stream.write(LINE)
    text = pipe.read_to(b" are missing\n").decode()
    (left_out,) = pipe.told
    assert left_out > 0
    assert text == LINE * (written - left_out) + f"{left_out} are missing\n"
    pipe.stream.write("after\n")
    assert pipe.read_to(b"after\n") == b"after\n"
    assert pipe.told == [left_out]
    assert not pipe.stream.settle()  # not everything was written


def test_waiting_for_a_reader_that_is_stuck_has_an_end(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_streams, "SETTLE_SECONDS", 0.05)
    pipe.stream.write("x" * (MOST_BYTES - 1))
    assert not pipe.stream.settle()


def test_reader_that_is_gone_is_no_error(pipe: Pipe) -> None:
    os.close(pipe.reading)
    for _ in range(10):
        pipe.stream.write(LINE)
        assert not pipe.stream.settle()
    assert isinstance(pipe.stream.error, BrokenPipeError)
    assert pipe.told == []  # nobody could read a count


def test_disk_that_is_full_for_a_while_costs_lines_that_are_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = True
    write = os.write

    def os_write(descriptor: int, data: bytes) -> int:
        if descriptor != pipe.writing or not is_full:
            return write(descriptor, data)
        if len(data) > 5:
            return write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", os_write)
    pipe.stream.write("beginning\n")
    assert not pipe.stream.settle()
    pipe.stream.write("lost\n")
    assert not pipe.stream.settle()
    is_full = False
    pipe.stream.write("whole\n")
    assert pipe.read_to(b"are missing\n") == b"begin\nwhole\n2 are missing\n"


def test_descriptor_that_somebody_made_non_blocking_is_waited_for(pipe: Pipe) -> None:
    flags = fcntl.fcntl(pipe.writing, fcntl.F_GETFL)
    fcntl.fcntl(pipe.writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    text = LINE * (MOST_BYTES // len(LINE))
    pipe.stream.write(text)
    assert pipe.read(len(text)) == text.encode()
    assert pipe.stream.settle()


def test_characters_that_the_encoding_lacks_are_escaped(pipe: Pipe) -> None:
    pipe.stream.write("\udcff\n")
    assert pipe.read(7) == b"\\udcff\n"


def test_it_looks_like_a_text_stream(pipe: Pipe) -> None:
    assert pipe.stream.writable()
    assert not pipe.stream.isatty()
    assert (pipe.stream.encoding, pipe.stream.fileno()) == ("utf-8", pipe.writing)
    print("printed", file=pipe.stream, flush=True)
    assert pipe.read(8) == b"printed\n"
