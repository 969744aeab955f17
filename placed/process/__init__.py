"""One process among others on its system: its exit codes, the sockets that it is given, and its successor.

The service manager's protocol (`sd_notify`), sockets that outlive a process, handing over to a new one, and what the
process does with its memory live here. It knows nothing of canvases, logs and HTTP, and may import Trio and log lines.
"""
