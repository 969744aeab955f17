"""The settings: what they are called, what each may be, where a value came from, and what they ask of a start."""
