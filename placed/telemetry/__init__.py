"""Everything by which operators see a server: log lines, metrics, progress on a terminal.

Every room but the canvas may use it. It may import structlog, rich and the Prometheus client, and knows nothing of what
it is told about: counters and lines are handed their values.
"""
