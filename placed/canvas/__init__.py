"""The pure core: what a canvas is and what its log says, without Trio, threads, sockets or files."""
