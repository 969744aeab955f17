"""placed: a self-hosted r/place. It keeps one log of edits, and every server shows the canvas that this log makes."""

__version__ = "0.1.0"
