"""The service: one server, wired together from the rooms below, and its process.

`wiring` makes the parts and stops them in order; `start` has the port and the folder until the log is read; `process`
answers signals and starts the next process; `part_metrics` names what Prometheus may read off the parts. What only this
one server needs, put together from several rooms, lives here. Nothing below may import it: `placed.__main__` hands it
to the command line.
"""
