"""The people of an event, in one process: they come, follow, paint and go, and each has a canvas."""
