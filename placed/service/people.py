"""Puts together the parts that tell a server who asks: the store, sessions, rules by role, and ways to sign in."""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from placed.backends import CannotStart
from placed.canvas.cooldown import Rule
from placed.commands.settings.asked_for import provider_secrets
from placed.commands.settings.kinds import JOIN_WORD
from placed.http.askers import Askers
from placed.http.attempts import Attempts
from placed.http.client_limit import ClientLimit
from placed.http.people_desk import PeopleDesk
from placed.http.sign_in import SignIns
from placed.people.hosting import Hosting
from placed.people.rules import RulesByRole
from placed.people.sessions import DAY_MS, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.canvas.cooldown import Rules
    from placed.commands.settings.values import Settings
    from placed.http.challenge import Challenge
    from placed.http.oidc.signing_in import ProviderSignIns
    from placed.http.user_header import UserHeader
    from placed.people.store import PeopleStore

_MOST_FILE_BYTES: Final = 4_096


def join_word(settings: Settings) -> str | None:
    """The word that lets everybody in; None where the settings have none.

    Raises:
        CannotStart: the file can't be read, or its first line isn't such a word.
    """
    path = settings.join_code_file
    if path is None:
        return settings.join_code
    where = settings.origin("join_code_file").with_value(repr(str(path)))
    try:
        with path.open(encoding="utf-8") as file:
            return JOIN_WORD.parse(file.readline(_MOST_FILE_BYTES).rstrip("\r\n"))
    except OSError as error:
        raise CannotStart(f"{where} can't be read: {error.strerror}") from error
    except ValueError:
        raise CannotStart(f"{where} has no word in its first line; allowed is {JOIN_WORD.allowed}") from None


def askers_of(settings: Settings, key: bytes, store: PeopleStore) -> Askers:
    """The part that tells who asks, by sessions and tokens."""
    return Askers(
        author_key=key,
        store=store,
        sessions=Sessions(key, store.revoked, settings.session_days * DAY_MS),
        trusted_proxies=settings.trusted_proxies,
        needs_sign_in=settings.sign_in != "open",
        hides=settings.watch == "signed-in",
        has_tls=settings.certificate is not None,
        challenge=_challenge_of(settings, key),
        user_header=_user_header_of(settings, key),
    )


# The next functions import modules that few servers need, so that the other servers start faster without them.


def _challenge_of(settings: Settings, key: bytes) -> Challenge | None:
    if not settings.challenge:
        return None
    from placed.http.challenge import Challenge

    return Challenge(key, settings.allow_origins, settings.trusted_proxies)


def _user_header_of(settings: Settings, key: bytes) -> UserHeader | None:
    if not settings.user_header:
        return None
    from placed.http.user_header import UserHeader

    return UserHeader(settings.user_header.lower(), settings.trusted_proxies, key)


def sign_ins_of(settings: Settings, askers: Askers, charges_of: Callable[[int], dict[str, Any]]) -> SignIns:
    """The endpoints at which people sign in and out.

    Raises:
        CannotStart: as `join_word`.
    """
    attempts = Attempts(settings.people_per_address, settings.unlimited_clients)
    return SignIns(askers, attempts, charges_of, settings.sign_in == "code", join_word(settings))


def desk_of(askers: Askers) -> PeopleDesk:
    """The endpoints at which hosts look after people."""
    return PeopleDesk(askers, Hosting(askers.store, askers.author_key))


def provider_sign_ins_of(settings: Settings, askers: Askers) -> ProviderSignIns | None:
    """The endpoints at which people sign in with an account at a provider; None if the settings name no provider.

    Raises:
        CannotStart: as `provider_secrets`.
    """
    if not settings.providers:
        return None
    from placed.http.oidc.signing_in import MOST_OF_ONE, ProviderSignIns

    secrets = provider_secrets(settings)
    # Imported here: the libraries are installed with an extra, and would cost a server without a provider 10 MB.
    opening = importlib.import_module("placed.http.oidc.opening")
    providers = {
        each.name: opening.open_provider(each.kind, each.issuer, each.client_id, secrets[each.name])
        for each in settings.providers
    }
    return ProviderSignIns(askers, providers, clients=ClientLimit(MOST_OF_ONE, settings.unlimited_clients))


def told_of_sign_in(settings: Settings) -> dict[str, Any]:
    """The member `sign_in` of `/info`."""
    return {
        "mode": settings.sign_in,
        "required": settings.sign_in != "open",
        "watch": settings.watch,
        "join": settings.join_code is not None or settings.join_code_file is not None,
        "codes": settings.sign_in == "code",
        "providers": [{"name": provider.name, "title": provider.title} for provider in settings.providers],
    }


def rules_of(settings: Settings, store: PeopleStore) -> tuple[Rule, Rules | None]:
    """The cooldown's rule for everybody, and the rules by role, None if they are all the same."""
    rule_for = partial(_rule, settings)
    everybody = rule_for("anonymous" if settings.sign_in == "open" else "person")
    person, bot = rule_for("person"), rule_for("bot")
    return everybody, None if {person, bot} == {everybody} else RulesByRole(lambda: store.roles, bot, person)


def _rule(settings: Settings, role: str) -> Rule:
    charges, seconds = getattr(settings, f"charges_{role}"), getattr(settings, f"charge_seconds_{role}")
    return Rule(
        settings.charges if charges is None else charges,
        round((settings.charge_seconds if seconds is None else seconds) * 1000),
    )
