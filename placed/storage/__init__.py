"""What lies in files: everything that a server keeps on a disk of its own, and the pictures that people bring.

LMDB environments and the pages of their files, the snapshot store, the author key, locks on folders, and whether
folders are still where they were: the ways in which a server keeps all that whole. `picture` reads pictures, of which
nothing is trusted. This room may import lmdb, Pillow, numpy and the canvas's formats. What a log is, is said above, by
the backends.
"""
