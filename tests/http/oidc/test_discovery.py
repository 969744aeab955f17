"""How often a server asks a provider, what it believes while the provider is down, and how it finds new keys."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from joserfc.jwk import ECKey

from placed.http.oidc.discovery import AGAIN_SECONDS, FRESH_SECONDS, ROTATED_SECONDS, Discovery
from placed.http.oidc.errors import Disbelieved, ProviderDown
from placed.http.oidc.fetching import Fetching
from tests.http.oidc.test_metadata import DOCUMENT, ISSUER

FIRST, SECOND = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("first", "second"))


class Provider(Fetching):
    """A provider that a test can take down, and whose keys it can change.

    Attributes:
        asked: the requested URLs, in order.
        down: whether it doesn't answer.
        key: the key with which it signs.
        wait_seconds: time until it answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.down = False
        self.key = FIRST
        self.wait_seconds = 0.0
        self.issuer = ISSUER

    async def document(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        self.asked.append(url)
        await trio.sleep(self.wait_seconds)
        if self.down:
            raise ProviderDown("no answer")
        return (
            {"keys": [self.key.as_dict(private=False)]} if url.endswith("jwks") else DOCUMENT | {"issuer": self.issuer}
        )


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def test_it_is_asked_once_an_hour(provider: Provider, autojump_clock: trio.testing.MockClock) -> None:
    discovery = Discovery(ISSUER, provider)
    for _ in range(3):
        assert (await discovery.metadata()).token == "https://id.test/token"
        await trio.sleep(FRESH_SECONDS / 3 - 1)
    assert provider.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    await trio.sleep(10)
    await discovery.metadata()
    assert len(provider.asked) == 2


async def test_many_at_once_ask_once(provider: Provider, autojump_clock: trio.testing.MockClock) -> None:
    provider.wait_seconds = 3
    discovery = Discovery(ISSUER, provider)
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(discovery.keys, "first")
    assert len(provider.asked) == 2
    assert trio.current_time() < 10


async def test_provider_that_is_down_is_asked_every_few_seconds_and_comes_back(
    provider: Provider, autojump_clock: trio.testing.MockClock
) -> None:
    provider.down = True
    discovery = Discovery(ISSUER, provider)
    for _ in range(20):
        with pytest.raises(ProviderDown, match="no answer"):
            await discovery.metadata()
    assert len(provider.asked) == 1
    provider.down = False
    await trio.sleep(AGAIN_SECONDS)
    await discovery.metadata()


async def test_what_was_heard_last_counts_while_it_is_down(
    provider: Provider, autojump_clock: trio.testing.MockClock
) -> None:
    discovery = Discovery(ISSUER, provider)
    await discovery.keys("first")
    provider.down = True
    await trio.sleep(10 * FRESH_SECONDS)
    assert [key.kid for key in await discovery.keys("first")] == ["first"]
    assert (await discovery.metadata()).keys == "https://keys.test/jwks"


async def test_document_of_another_is_an_error_that_is_looked_at_again(
    provider: Provider, autojump_clock: trio.testing.MockClock
) -> None:
    provider.issuer = "https://evil.test"
    discovery = Discovery(ISSUER, provider)
    with pytest.raises(Disbelieved, match="evil"):
        await discovery.metadata()
    provider.issuer = ISSUER
    await trio.sleep(AGAIN_SECONDS)
    await discovery.metadata()


async def test_unknown_key_is_looked_for_at_most_once_a_minute(
    provider: Provider, autojump_clock: trio.testing.MockClock
) -> None:
    discovery = Discovery(ISSUER, provider)
    await discovery.keys("first")
    before = len(provider.asked)
    provider.key = SECOND
    for _ in range(100):
        assert [key.kid for key in await discovery.keys("made-up")] == ["first"]
    assert len(provider.asked) == before
    await trio.sleep(ROTATED_SECONDS)
    assert [key.kid for key in await discovery.keys("second")] == ["second"]
    assert len(provider.asked) == before + 1
    for _ in range(100):
        await discovery.keys("made-up")
    assert len(provider.asked) == before + 1
