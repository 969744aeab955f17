"""The table of settings: everything that an operator decides about one server.

A new setting is one more row here, in `page`, in `people` or in `kafka`. Its flag, its PLACED_... variable, its key in
the config file, its line of --help and its row in docs/settings.md come from that row (`python -m tests.settings_page`
writes the page).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.canvas.limits import MAX_SIDE_PX
from placed.commands.settings.kind import SWITCH, one_of, whole
from placed.commands.settings.kinds import (
    API_SITE,
    EMBEDDING_SITE,
    FILE,
    FOLDER,
    HOST,
    HOST_NAME,
    LOG,
    LOOPBACK,
    NETWORK,
    PALETTE,
    SECONDS,
)
from placed.commands.settings.origin import Origin, flag_of
from placed.commands.settings.page import PageSettings
from placed.commands.settings.people import MAX_CHARGES
from placed.commands.settings.sections import (
    ADDRESS,
    CANVAS,
    CLIENTS,
    COOLDOWN,
    HISTORY,
    LOG_LINES,
    PEOPLE,
    SECTIONS,
    SITES,
    SPEED,
    STORAGE,
)
from placed.commands.settings.setting import Setting, SettingError, check_needs, many_of, row_of, setting
from placed.telemetry.log_choices import FORMATS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from placed.canvas.palette import Palette
    from placed.commands.settings.kinds import Network
    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.setting import Need

MAX_PER_CLIENT: Final = 1_000_000  # more than a process can have descriptors
SHOWN_AUTHORS: Final = ("none", "pseudonyms", "names")

_NEEDS: Final[tuple[Need, ...]] = (("certificate_key", "certificate", bool, "a key only with a --certificate"),)


def _own_folder() -> Path:
    import platformdirs  # only a start without --data needs it

    return platformdirs.user_data_path("placed", appauthor=False)


@attrs.frozen(kw_only=True)
class Settings(PageSettings):
    """One server's settings, each checked and in its one form. The sentences of the rows say what they mean.

    A setting that is None leaves the choice to the server: `width` is what the canvas was created with, for example.

    Attributes:
        providers: the providers that people sign in with, from the tables `[[oidc]]` of the config file.
        origins: where each value comes from, for messages; a value without an entry counts as a flag's.

    Raises:
        SettingError: a setting isn't allowed, by itself or together with the others. The message names its flag, the
            value, and the allowed values.
    """

    host: str = setting(
        ADDRESS,
        HOST,
        "Address to listen on: `127.0.0.1` is for this machine alone, `0.0.0.0` lets others in.",
        default="127.0.0.1",
    )
    port: int = setting(
        ADDRESS,
        whole(0, 65_535, "PORT"),
        "Port to listen on; 0 lets the system choose one.",
        more="The address is printed.",
        default=8080,
    )
    trusted_proxies: tuple[Network, ...] = many_of(
        ADDRESS,
        NETWORK,
        "Address or network of a reverse proxy. The server believes its `X-Forwarded-For`, `X-Forwarded-Host` and "
        "`Forwarded`.",
        more="Write a network as CIDR. The server ignores these headers from anybody else.",
        name="trusted_proxy",
    )
    allowed_hosts: tuple[str, ...] = many_of(
        ADDRESS,
        HOST_NAME,
        "Host name that visitors may use for this server; `*.NAME` is every name below it, `*` any name.",
        more="Without a port. See *Hosts* below.",
        name="allowed_host",
        instead="`localhost` if only this machine can connect, otherwise any",
    )
    certificate: Path | None = setting(
        ADDRESS,
        FILE,
        "PEM file with the server's certificate and its chain. It turns on HTTPS and HTTP/2.",
        more="The fast lane is off then.",
        default=None,
        instead="no HTTPS",
    )
    certificate_key: Path | None = setting(
        ADDRESS,
        FILE,
        "PEM file with the certificate's private key, without a password.",
        default=None,
        instead="in the certificate's file",
    )

    allow_origins: tuple[str, ...] = many_of(
        SITES,
        API_SITE,
        "Site whose pages may use the API: `scheme://host[:port]`, `null`, or `*` for every site.",
        more="An app's own scheme is allowed, too, such as `capacitor://localhost` or `chrome-extension://ID`. See "
        "*Origins* below.",
        name="allow_origin",
    )
    allow_embeds: tuple[str, ...] = many_of(
        SITES,
        EMBEDDING_SITE,
        "Site whose pages may show the canvas in a frame: `scheme://host[:port]`, or `*` for every site.",
        more="People can paint in that frame. See [deploy](deploy.md#in-a-frame-of-another-site).",
        name="allow_embed",
    )

    max_streams_per_client: int = setting(
        CLIENTS,
        whole(0, MAX_PER_CLIENT),
        "Open pages (live streams) per address; 0 is no limit.",
        more="See *Limits for each address* below.",
        default=128,
    )
    max_connections_per_client: int = setting(
        CLIENTS,
        whole(0, MAX_PER_CLIENT),
        "Connections per address, not counting streams; 0 is no limit.",
        more="Without the fast lane streams count here, too.",
        default=1024,  # a browser has six besides the stream, so all pages that may be open can also load at once
    )
    unlimited_clients: tuple[Network, ...] = many_of(
        CLIENTS,
        NETWORK,
        "Address or network without these limits, such as a school's. The first one replaces the default.",
        more="It also has no limits of polls, catch-ups and new people. Its cooldown stays.",
        name="unlimited_client",
        default=LOOPBACK,
    )

    width: int | None = setting(
        CANVAS,
        whole(1, MAX_SIDE_PX, "PIXELS"),
        "Width of a new canvas. An existing canvas keeps its own.",
        default=None,
        instead="`1000`",
    )
    height: int | None = setting(
        CANVAS,
        whole(1, MAX_SIDE_PX, "PIXELS"),
        "Height of a new canvas. An existing canvas keeps its own.",
        default=None,
        instead="`1000`",
    )
    palette: Palette | None = setting(
        CANVAS,
        PALETTE,
        "Colours of a new canvas: `seed`, `reddit-2017`, `reddit-2022`, or a `.hex`, `.gpl` or `.json` file.",
        more="An existing canvas keeps its own. See *Palettes* below.",
        default=None,
        instead="`seed`",
    )

    charges: int = setting(
        COOLDOWN,
        whole(1, MAX_CHARGES),
        "Pixels that one address, or one person, may paint in a row; each pixel takes one charge.",
        default=10,
    )
    charge_seconds: float = setting(
        COOLDOWN,
        SECONDS,
        "Time until an address, or a person, gets one charge back; 0 is no cooldown.",
        default=1.0,
    )

    challenge: bool = setting(
        PEOPLE,
        SWITCH,
        "Ask everybody without an account for a proof of work once an hour; it takes a browser some seconds.",
        more="Programs solve it, too: see [people](people.md#a-proof-of-work).",
        default=False,
    )

    data: Path = setting(
        STORAGE,
        FOLDER,
        "Folder that holds the canvas: its log, its snapshot and its secret key.",
        more="One server at a time can use it. See *The data folder* below.",
        found=_own_folder,
        instead="a folder in your home",
        finds_canvas=True,
    )
    log: str | None = setting(
        STORAGE,
        LOG,
        "Where the log of all edits is: `lmdb:PATH`, `memory:`, or `kafka://HOST:PORT[,HOST:PORT]/TOPIC` for several "
        "servers.",
        more="`lmdb:` is durable, on this machine. `memory:` is gone when the server ends. For `kafka:` see "
        "[operations](operations.md).",
        default=None,
        instead="`lmdb:` in the data folder",
        finds_canvas=True,
    )
    author_key_file: Path | None = setting(
        STORAGE,
        FILE,
        "File with the secret key that turns addresses into authors. All servers of a canvas need the same key.",
        more="It holds 32 random bytes. Servers with the same key share cooldowns.",
        default=None,
        instead="made in the data folder",
        finds_canvas=True,
    )

    history: bool = setting(
        HISTORY,
        SWITCH,
        "Keep the canvas's past in the data folder, and show it: the canvas at any moment, and who painted each pixel.",
        more="It takes up to 16 bytes for each pixel painted. Without it, `/history` answers 404.",
        default=True,
    )
    show_authors: str = setting(
        HISTORY,
        one_of(SHOWN_AUTHORS, "WHAT"),
        "What everybody sees of a pixel's author: nothing, a pseudonym, or the name of a person who signed in.",
        more="A pseudonym is a number, the same for all pixels of one address or person. It doesn't tell which one.",
        default="pseudonyms",
    )

    fast_lane: bool = setting(
        SPEED,
        SWITCH,
        "Answer frequent requests in placed's own fast code; otherwise the web server Hypercorn answers all of them.",
        default=True,
    )
    max_frames_per_second: int = setting(
        SPEED,
        whole(1, 1_000),
        "Updates (frames) per second to each open page, at most. With fewer updates, each holds more pixels.",
        more="While edits wait, the server sends fewer by itself.",
        default=250,
    )

    log_level: str = setting(
        LOG_LINES,
        one_of(LEVELS, "LEVEL"),
        "Write log lines of this level, and more important ones.",
        default="info",
    )
    log_format: str = setting(
        LOG_LINES, one_of(FORMATS, "FORMAT"), "Form of the log lines on standard error.", default="text"
    )
    log_addresses: bool = setting(
        LOG_LINES,
        SWITCH,
        "Write clients' addresses into log lines, next to their authors' hashes.",
        more="Addresses are personal data: delete them in time.",
        default=False,
    )

    providers: tuple[ProviderSettings, ...] = ()
    origins: Mapping[str, Origin] = attrs.field(factory=dict, repr=False, eq=False)

    def origin(self, setting: str) -> Origin:
        """Where the value of `setting` comes from, in the operator's words."""
        return self.origins.get(setting) or Origin(flag_of(setting))

    def __attrs_post_init__(self) -> None:
        check_needs(self, _NEEDS)
        self.check_people()
        self._check_providers()
        self.check_kafka()

    def _check_providers(self) -> None:
        if (self.sign_in == "oidc") != bool(self.providers):
            allowed = "oidc with providers, which are tables [[oidc]] of the config file, and only oidc with them"
            raise SettingError("sign_in", f"{self.sign_in!r}; allowed is {allowed}")
        if self.user_header is None:
            return
        if not self.trusted_proxies:
            allowed = "this only with a --trusted-proxy: otherwise any client could claim to be anybody"
            raise SettingError("user_header", f"{self.user_header!r}; allowed is {allowed}")
        if any(network.prefixlen == 0 for network in self.trusted_proxies):
            allowed = "this only with the proxies' own addresses: a --trusted-proxy of all addresses trusts everybody"
            raise SettingError("user_header", f"{self.user_header!r}; allowed is {allowed}")


SHORT_FOR_A_RULE: Final = Setting(
    section=COOLDOWN,
    kind=SECONDS,
    text="Time between two pixels of one address or person; short for `--charges 1 --charge-seconds SECONDS`.",
    more="0 is no cooldown.",
    name="cooldown",
)


def table(cls: type[Settings], *others: Setting) -> dict[str, Setting]:
    """The rows of a class, and other rows, by their names, in the order of their sections."""
    rows = [row for field in attrs.fields(cls) if (row := row_of(field))]
    # A row that takes its default from another row comes behind it, because that one explains both.
    ordered = sorted([*rows, *others], key=lambda row: (SECTIONS.index(row.section), row.instead.startswith("as `--")))
    return {row.name: row for row in ordered}


SETTINGS: Final = table(Settings, SHORT_FOR_A_RULE)
