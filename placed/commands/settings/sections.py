"""The sections of the table of settings. Pure."""

from __future__ import annotations

from typing import Final

# The headings of --help and of docs/settings.md, in their order.
ADDRESS, SITES, CLIENTS, CANVAS = "Address", "Other sites", "Limits for each address", "Canvas"
COOLDOWN, PEOPLE, STORAGE, HISTORY, KAFKA = "Cooldown", "People", "Storage", "History", "Kafka"
SPEED, LOG_LINES, PAGE = "Speed", "Log lines", "Page"
SECTIONS: Final = (ADDRESS, SITES, CLIENTS, CANVAS, PAGE, COOLDOWN, PEOPLE, STORAGE, HISTORY, KAFKA, SPEED, LOG_LINES)
