"""The service: one server, wired together from the rooms below, and its process.

`wiring` makes the parts and stops them in order; `start` holds the port and the folder until the log is read; `process`
answers signals and starts the next process; `part_metrics` names the values that Prometheus reads off the parts. The
other modules here put parts of a server together from several rooms, or check its start. No room below may import the
service: `placed.__main__` hands it to the command line.
"""
