"""Load on one server, from separate processes: some send requests, others read streams."""
