"""Load on one server from processes of their own: requests that are sent, and streams that are read."""
