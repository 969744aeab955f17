"""Fuzzing: random bytes for everything that reads other people's data. `python -m tests.fuzz TARGET --seconds N`."""
