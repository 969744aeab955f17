"""The rows about people and how they sign in, a part of the table of settings; `values` has the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from placed.commands.settings.kafka import KafkaSettings
from placed.commands.settings.kind import one_of, whole
from placed.commands.settings.kinds import FILE, JOIN_WORD, SECONDS, USER_HEADER
from placed.commands.settings.sections import COOLDOWN, PEOPLE
from placed.commands.settings.setting import SettingError, check_needs, setting

if TYPE_CHECKING:
    from pathlib import Path

    from placed.commands.settings.kind import Kind
    from placed.commands.settings.setting import Need

T = TypeVar("T")

SIGN_INS: Final = ("open", "code", "oidc", "proxy")
WATCHERS: Final = ("everybody", "signed-in")
MAX_CHARGES: Final = 1_000_000
MAX_PEOPLE: Final = 1_000_000

_PEOPLE: Final = "people who have signed in"
_BOTS: Final = "programs with a token"
_ANONYMOUS: Final = ("everybody who hasn't signed in", "With `--sign-in open`.")

_CODE: Final = "this only with --sign-in code"
_OPEN: Final = "this only with --sign-in open: elsewhere nobody paints without an account"
_NEEDS: Final[tuple[Need, ...]] = (
    ("join_code", "sign_in", lambda mode: mode == "code", _CODE),
    ("join_code_file", "sign_in", lambda mode: mode == "code", _CODE),
    ("user_header", "sign_in", lambda mode: mode == "proxy", "this only with --sign-in proxy"),
    ("charges_anonymous", "sign_in", lambda mode: mode == "open", _OPEN),
    ("charge_seconds_anonymous", "sign_in", lambda mode: mode == "open", _OPEN),
)


def _for(flag: str, kind: Kind[T], who: str, more: str = "") -> T | None:
    """A row like another flag's, for one kind of painter."""
    text = f"The same as `--{flag}`, for {who}."
    return setting(COOLDOWN, kind, text, more=more, default=None, instead=f"as `--{flag}`")


@attrs.frozen(kw_only=True)
class PeopleSettings(KafkaSettings):
    """Who may paint, who may watch, and how many charges each kind of painter has."""

    sign_in: str = setting(
        PEOPLE,
        one_of(SIGN_INS, "MODE"),
        "Who may paint. `open`: everybody; `code`: people with a code from you; `oidc`: people with an account at a "
        "provider; `proxy`: people who have signed in at your proxy.",
        more="Watching needs nothing, unless `--watch` says so. See [people](people.md).",
        default="open",
    )
    join_code: str | None = setting(
        PEOPLE,
        JOIN_WORD,
        "One word for everybody, instead of a code for each person: people who know it choose a name, and paint.",
        more="With `--sign-in code`. Case and spaces don't count.",
        default=None,
    )
    join_code_file: Path | None = setting(
        PEOPLE,
        FILE,
        "File whose first line is the join code, which keeps it out of this machine's list of processes.",
        default=None,
    )
    user_header: str | None = setting(
        PEOPLE,
        USER_HEADER,
        "Header that your proxy sets to the user who has signed in there, such as `Remote-User`.",
        more="With `--sign-in proxy`. The server believes it from a `--trusted-proxy` alone. That proxy has to set it, "
        "or remove it, in every request.",
        default=None,
    )
    people_per_address: int = setting(
        PEOPLE,
        whole(0, MAX_PEOPLE),
        "How many people may join from one address in an hour, with the join code; 0 is no limit.",
        more="`--unlimited-client` names addresses without this limit.",
        default=60,
    )
    watch: str = setting(
        PEOPLE,
        one_of(WATCHERS, "WHO"),
        "Who may see the canvas and its past.",
        more="`signed-in` needs a `--sign-in` other than `open`. Caches then keep nothing of the canvas.",
        default="everybody",
    )
    session_days: int = setting(
        PEOPLE,
        whole(1, 400, "DAYS"),  # browsers keep no cookie for longer (RFC 6265bis)
        "Days without a visit after which a person has to sign in again.",
        default=30,
    )

    charges_person: int | None = _for("charges", whole(1, MAX_CHARGES), _PEOPLE)
    charge_seconds_person: float | None = _for("charge-seconds", SECONDS, _PEOPLE)
    charges_bot: int | None = _for("charges", whole(1, MAX_CHARGES), _BOTS)
    charge_seconds_bot: float | None = _for("charge-seconds", SECONDS, _BOTS)
    charges_anonymous: int | None = _for("charges", whole(1, MAX_CHARGES), *_ANONYMOUS)
    charge_seconds_anonymous: float | None = _for("charge-seconds", SECONDS, *_ANONYMOUS)

    def check_people(self) -> None:
        """Check that these settings fit together; raises SettingError."""
        check_needs(self, _NEEDS)
        if self.join_code is not None and self.join_code_file is not None:
            raise SettingError(
                "join_code_file", f"{str(self.join_code_file)!r}; allowed is this or --join-code, not both"
            )
        if self.sign_in == "proxy" and self.user_header is None:
            raise SettingError("sign_in", "'proxy'; allowed is this only with a --user-header")
        if self.watch == "signed-in" and self.sign_in == "open":
            allowed = "this with a --sign-in other than open, so that people can sign in"
            raise SettingError("watch", f"{self.watch!r}; allowed is {allowed}")
