"""The sections of the table of settings. Pure."""

from __future__ import annotations

from typing import Final

# The headings of --help and of docs/settings.md, in their order.
ADDRESS, SITES, CLIENTS, CANVAS = "Address", "Other sites", "Limits for each address", "Canvas"
COOLDOWN, STORAGE, HISTORY, KAFKA = "Cooldown", "Storage", "History", "Kafka"
SPEED, LOG_LINES = "Speed", "Log lines"
SECTIONS: Final = (ADDRESS, SITES, CLIENTS, CANVAS, COOLDOWN, STORAGE, HISTORY, KAFKA, SPEED, LOG_LINES)
