"""`placed act`: looks after a canvas through its server, with a moderator's or host's token."""
