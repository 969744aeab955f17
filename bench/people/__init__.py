"""The people of an event, in one process: who comes, follows, paints and goes, and the canvas that each sees."""
