"""Events that no server knows, each in one file, like a real new one; test_new_events.py has a line for each."""
