"""Events that no server knows, each in one file, as a new one would be; test_new_events.py has a line for each."""
