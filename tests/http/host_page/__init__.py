"""What a host gives a canvas of their own, over HTTP and as read from files."""
