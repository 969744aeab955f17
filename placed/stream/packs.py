"""Groups the subscribers that keep up into packs of some hundred, at one version, which get the same frame."""

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
        heard_bytes: how many bytes it has sent since its request.
        rest: the bytes of the last write that the socket didn't take.
        lags_since: when it last took anything, on Trio's clock; None while it keeps up.
        pack: the subscribers that it keeps up with, at the same version; None while it stands alone.
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
        """Whether it can be told what comes next."""
        return self.state is IDLE


class Pack:
    """Subscribers that stand at one version, and get the same frame: nothing has to be looked up for each.

    Attributes:
        form: how edits are told to them.
        version: where they stand.
        edition: of the status that they know.
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
        """What its members have in common."""
        return self.form, self.version, self.edition


class Packs:
    """All packs, and all subscribers in none.

    Attributes:
        packs: in the order in which they are told.
        loose: the ones in no pack, in the order in which they became loose.
    """

    def __init__(self) -> None:
        self.packs: list[Pack] = []
        self.loose: dict[SubscriberSocket, None] = {}

    def gather(self) -> None:
        """Put those who keep up, and are in no pack, into packs."""
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
            subscriber.version = pack.version  # the same number, and one object of 32 bytes for all of them
            del self.loose[socket]

    def merge(self) -> None:
        """Make full packs of those that have come to stand at the same version."""
        packs: dict[tuple[Format, int, int], Pack] = {}
        kept = []
        for pack in sorted(self.packs, key=lambda one: -len(one.members)):
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
        """Let it stand on its own, at `version`, and knowing the status' `edition`."""
        assert socket.pack is not None
        del socket.pack.members[socket.fd]
        socket.pack = None
        socket.subscriber.version = version
        socket.subscriber.edition = edition
        self.loose[socket] = None

    def disband(self, pack: Pack) -> None:
        """Let all members of a pack stand on their own."""
        self.packs.remove(pack)
        for socket in list(pack.members.values()):
            self.loosen(socket, pack.version, pack.edition)

    def remove(self, socket: SubscriberSocket) -> None:
        """Forget one that is gone."""
        if socket.pack is None:
            del self.loose[socket]
        else:
            del socket.pack.members[socket.fd]
            socket.pack = None
