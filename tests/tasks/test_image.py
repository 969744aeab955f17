"""The image: the canvas of its version, encoded once for all clients, and not more often than its age allows."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing
from PIL import Image as Pillow

from placed.canvas import png
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.tasks.image import MOST_OLD, ImageEncoder
from placed.tasks.shared_bytes import TakenBack
from tests.support.records import SMALL, batch, record

if TYPE_CHECKING:
    from trio.testing import MockClock

    from placed.tasks.image import Image

LIMIT_SECONDS = 10.0


@pytest.fixture
def projection() -> Projection:
    """A canvas with one edit, at version 1."""
    subject = Projection(SMALL, 0, Cooldowns(Rule(10, 0)))
    edit(subject, 2)
    return subject


def edit(projection: Projection, color: int) -> None:
    """Apply one more record."""
    projection.apply(batch([record((1, 1, color, 0))], first=projection.version), 0)


def encoder(projection: Projection) -> ImageEncoder:
    """An encoder whose wall clock stands still."""
    return ImageEncoder(projection, "log-1", wall_clock=lambda: 784_111_777.0)


def pixels(image: Image) -> list[list[int]]:
    """The palette indexes in the file, as Pillow reads them."""
    return np.asarray(Pillow.open(io.BytesIO(image.png))).tolist()  # type: ignore[no-any-return]  # numpy types it Any


async def test_image_is_the_canvas_and_says_its_version_inside_and_out(projection: Projection) -> None:
    image = await encoder(projection).image()
    assert pixels(image) == projection.canvas.tolist()
    with Pillow.open(io.BytesIO(image.png)) as opened:
        assert opened.info == {"placed:version": "1", "placed:log": "log-1"}
    assert (image.version, image.etag) == (1, '"log-1-1"')
    assert image.modified == "Sun, 06 Nov 1994 08:49:37 GMT"


async def test_encoder_tells_the_version_and_time_of_its_image_and_how_long_it_took(projection: Projection) -> None:
    took: list[float] = []
    subject = ImageEncoder(projection, "log-1", wall_clock=lambda: 784_111_777.0, on_encode=took.append)
    assert math.isnan(subject.version)
    assert math.isnan(subject.made_at)
    await subject.image()
    assert (subject.version, subject.made_at) == (1, 784_111_777.0)
    assert len(took) == 1
    assert 0 < took[0] < 60


async def test_canvas_that_has_not_changed_is_not_encoded_again(
    projection: Projection, autojump_clock: MockClock
) -> None:
    subject = encoder(projection)
    first = await subject.image()
    await trio.sleep(3600)
    assert subject.fresh() is first
    assert await subject.image() is first
    assert subject.encodes == 1


async def test_changed_canvas_is_encoded_again_only_when_the_image_is_a_second_old(
    projection: Projection, mock_clock: MockClock
) -> None:
    subject = encoder(projection)
    first = await subject.image()
    edit(projection, 3)
    mock_clock.jump(0.99)
    assert subject.fresh() is first
    assert await subject.image() is first
    mock_clock.jump(0.01)
    assert subject.fresh() is None
    second = await subject.image()
    assert second.version == 2
    assert pixels(second)[1][1] == 3
    assert subject.encodes == 2


async def test_image_that_is_asked_to_have_reached_a_version_is_made_once_it_may_be(
    projection: Projection, autojump_clock: MockClock
) -> None:
    subject = encoder(projection)
    await subject.image()
    edit(projection, 3)
    assert subject.fresh(2) is None
    began = trio.current_time()
    assert (await subject.image(2)).version == 2
    assert trio.current_time() == began + 1.0
    assert subject.encodes == 2
    # A version that the canvas hasn't reached costs nothing: any client can make one up.
    for made_up in (3, 2**63 - 1):
        assert subject.fresh(made_up) is not None
        assert (await subject.image(made_up)).version == 2
    assert (trio.current_time(), subject.encodes) == (began + 1.0, 2)


async def test_those_who_ask_while_one_is_encoded_wait_for_that_one(
    projection: Projection, nursery: trio.Nursery
) -> None:
    subject, got = encoder(projection), list[object]()

    async def ask() -> None:
        got.append(await subject.image())

    for _ in range(20):
        nursery.start_soon(ask)
    with trio.fail_after(LIMIT_SECONDS):
        while len(got) < 20:
            await trio.testing.wait_all_tasks_blocked(0.001)
    assert subject.encodes == 1
    assert len(set(map(id, got))) == 1


async def test_edit_during_the_encoding_is_not_in_that_image(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = png.encode

    def encode_while_painted(*arguments: object, **keywords: object) -> bytes:
        trio.from_thread.run_sync(edit, projection, 3)
        return encode(*arguments, **keywords)  # type: ignore[arg-type]  # passed through

    subject = encoder(projection)
    monkeypatch.setattr(png, "encode", encode_while_painted)
    with trio.fail_after(LIMIT_SECONDS):
        image = await subject.image()
    assert (image.version, projection.version) == (1, 2)
    assert pixels(image)[1][1] == 2


async def test_failed_encoding_is_told_to_the_asker_and_the_next_one_succeeds(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = encoder(projection)
    with monkeypatch.context() as patch:
        patch.setattr(png, "encode", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await subject.image()
    assert (await subject.image()).version == 1


async def test_asker_who_goes_away_holds_up_nobody(projection: Projection) -> None:
    subject = encoder(projection)
    with trio.CancelScope() as scope:
        scope.cancel()
        await subject.image()
    with trio.fail_after(LIMIT_SECONDS):
        assert (await subject.image()).version == 1


async def test_images_that_are_still_read_are_bounded_and_come_less_often_the_more_there_are(
    projection: Projection, mock_clock: MockClock
) -> None:
    subject = encoder(projection)
    readers, since = [(await subject.image()).file], [trio.current_time()]
    while len(readers) < 2 * MOST_OLD:
        edit(projection, len(readers) % 4)
        while subject.fresh() is not None:
            mock_clock.jump(1.0)
        readers.append((await subject.image()).file)
        since.append(trio.current_time())
        assert subject.old == min(len(readers) - 1, MOST_OLD)
        cut = len(readers) - 2 - MOST_OLD  # the newest image that is taken back
        if cut >= 0:
            with pytest.raises(TakenBack):
                readers[cut].whole()
            # A client on 2G, with 20 kbit/s, would have read a quarter of a megabyte by then.
            assert since[-1] - since[cut] > 250_000 * 8 / 20_000
        assert readers[max(cut + 1, 0)].whole()
    assert since[-1] - since[-2] == 9.0


async def test_images_that_nobody_reads_any_more_cost_nothing(projection: Projection, mock_clock: MockClock) -> None:
    subject = encoder(projection)
    for color in range(1, 12):
        await subject.image()
        edit(projection, color % 4)
        mock_clock.jump(1.0)
    assert (subject.encodes, subject.old) == (11, 0)
