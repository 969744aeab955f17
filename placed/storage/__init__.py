"""Everything that a server keeps on a disk of its own, and the ways in which it keeps that whole.

LMDB environments and the pages of their files, the snapshot store, the author key, locks on folders, and whether
folders are still where they were. It may import lmdb, numpy and the canvas's formats. What a log is, is said above, by
the backends.
"""
