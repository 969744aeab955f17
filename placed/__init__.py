"""placed: a self-hosted r/place. One log, and every server a projection of it."""

__version__ = "0.1.0"
