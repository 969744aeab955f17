"""The log in an LMDB environment: the log itself, how its records are stored, what it is about, and salvage."""
