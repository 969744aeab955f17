"""Shows operators how a server is: log lines, metrics, progress on a terminal.

Every room but the canvas may use it. It may import structlog, rich and the Prometheus client. It knows nothing of the
other rooms, which hand their values to its counters and lines.
"""
