"""A server with a provider, over each lane."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bench.equipment.free_ports import free_ports
from tests.http.oidc.schools import at, provider_settings
from tests.support.openid_provider import openid_provider, require_provider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.http.oidc.schools import School
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def school_at() -> Callable[[Server], AbstractAsyncContextManager[School]]:
    """A function that gives a server's people browsers."""
    require_provider()
    return at


@pytest.fixture
def start_school(start: Start) -> Callable[..., AbstractAsyncContextManager[School]]:
    """A function that opens a server with the provider `school`; it takes the server's settings."""
    require_provider()
    return partial(_school, start)


@contextlib.asynccontextmanager
async def _school(start: Start, *, claims_in_token: bool = False, **settings: Any) -> AsyncGenerator[School]:
    port = free_ports(1)[0]
    told = provider_settings("school", f"http://127.0.0.1:{port}")
    # The server starts first: it doesn't need its provider for that.
    async with start(sign_in="oidc", providers=(told,), **settings) as server:
        back = f"{server.url}/sign-in/oidc/school/callback"
        async with (
            openid_provider(back, port=port, claims_in_token=claims_in_token) as issuer,
            at(server, issuer) as one,
        ):
            yield one
