"""The log in an LMDB environment: the log itself, its stored records and description, filling a new log, salvage."""
