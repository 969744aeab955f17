"""Groups the subscribers that keep up into packs of up to 256, which stand at one version and get the same frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.stream.watched_sockets import IDLE, WatchedSocket

if TYPE_CHECKING:
    from placed.stream.frames import Format
    from placed.stream.subscriber import Subscriber

MOST_MEMBERS: Final = 256  # writes of 2 to 3 ms; then other tasks have their turn


class SubscriberSocket(WatchedSocket):
    """One stream.

    Attributes:
        heard_bytes: how many bytes its peer has sent since the request.
        rest: the bytes of the last write that the socket didn't take.
        lags_since: when it began to lag, or last took anything since, on Trio's clock; None while it keeps up.
        pack: the pack that it is in; None while it stands alone.
    """

    __slots__ = ("heard_bytes", "lags_since", "pack", "rest", "subscriber")

    def __init__(self, fd: int, subscriber: Subscriber) -> None:
        super().__init__(fd)
        self.subscriber = subscriber
        self.rest: memoryview | bytes = b""
        self.heard_bytes = 0
        self.lags_since: float | None = None
        self.pack: Pack | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the next frame can be written to it."""
        return self.state is IDLE


class Pack:
    """Subscribers that stand at one version and get the same frame, so that nothing has to be looked up for each.

    Attributes:
        form: the form in which they get edits.
        version: the version at which they stand.
        edition: the edition of the status that they have got.
        members: by file descriptor, at most `MOST_MEMBERS`.
    """

    __slots__ = ("edition", "form", "members", "version")

    def __init__(self, form: Format, version: int, edition: int) -> None:
        self.form = form
        self.version = version
        self.edition = edition
        self.members: dict[int, SubscriberSocket] = {}

    @property
    def place(self) -> tuple[Format, int, int]:
        """The values that its members have in common."""
        return self.form, self.version, self.edition


class Packs:
    """All packs, and the subscribers that are in none.

    Attributes:
        packs: in the order in which they get their frames.
        loose: the subscribers in no pack, in the order in which they left theirs.
    """

    def __init__(self) -> None:
        self.packs: list[Pack] = []
        self.loose: dict[SubscriberSocket, None] = {}

    def gather(self) -> None:
        """Put the subscribers that keep up, and are in no pack, into packs."""
        packs = {pack.place: pack for pack in self.packs if len(pack.members) < MOST_MEMBERS}
        for socket in [one for one in self.loose if one.is_ready and one.subscriber.is_same_log]:
            subscriber = socket.subscriber
            place = (subscriber.form, subscriber.version, subscriber.edition)
            pack = packs.get(place)
            if pack is None or len(pack.members) == MOST_MEMBERS:
                pack = packs[place] = Pack(*place)
                self.packs.append(pack)
            pack.members[socket.fd] = socket
            socket.pack = pack
            subscriber.version = pack.version  # an equal number, but then all members share its object of 32 bytes
            del self.loose[socket]

    def merge(self) -> None:
        """Merge packs that have come to stand at the same version."""
        packs: dict[tuple[Format, int, int], Pack] = {}
        kept = []
        for pack in sorted(self.packs, key=lambda one: -len(one.members)):  # largest first: move few into many
            into = packs.get(pack.place)
            if into is not None and len(into.members) + len(pack.members) <= MOST_MEMBERS:
                for socket in pack.members.values():
                    socket.pack = into
                into.members.update(pack.members)
            elif pack.members:
                packs[pack.place] = pack
                kept.append(pack)
        self.packs = kept

    def loosen(self, socket: SubscriberSocket, version: int, edition: int) -> None:
        """Take a subscriber out of its pack; from now on it has its own `version`, and the status's `edition`."""
        assert socket.pack is not None
        del socket.pack.members[socket.fd]
        socket.pack = None
        socket.subscriber.version = version
        socket.subscriber.edition = edition
        self.loose[socket] = None

    def disband(self, pack: Pack) -> None:
        """Take all members out of a pack, and forget the pack."""
        self.packs.remove(pack)
        for socket in list(pack.members.values()):
            self.loosen(socket, pack.version, pack.edition)

    def remove(self, socket: SubscriberSocket) -> None:
        """Forget a subscriber that is gone."""
        if socket.pack is None:
            del self.loose[socket]
        else:
            del socket.pack.members[socket.fd]
            socket.pack = None
