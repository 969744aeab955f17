"""Puts the page together: the client's files, the host's title, icon and text, and the preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.http.host_page.page import HostPage
from placed.http.host_page.previews import Previews
from placed.http.pages import client_folder, pages_in
from placed.tasks.image import PreviewEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.api import Api


def host_page_of(api: Api, embedders: Sequence[str]) -> HostPage:
    """The page of the server that has this API; the sites `embedders` may show it in a frame."""
    askers = api.askers
    previews = Previews(PreviewEncoder(api.projection, api.log_id), hides=askers.hides)
    pages = pages_in(client_folder())
    trusted = askers.trusted_proxies
    return HostPage(pages, api.identity, previews, trusted, has_tls=askers.has_tls, embedders=embedders)
