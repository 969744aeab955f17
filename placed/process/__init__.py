"""One process among others on its system: its exit codes, the sockets that it inherits, and its successor.

The service manager's protocol (`sd_notify`), sockets that outlive a process, handing over to a new process, and the
process's memory live here. This room knows nothing of canvases, logs and HTTP, and may import Trio and log lines.
"""
