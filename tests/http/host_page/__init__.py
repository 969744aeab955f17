"""The host's own texts and pictures for a canvas, over HTTP and as read from files."""
