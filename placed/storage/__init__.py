"""The files that a server keeps on a disk of its own, and the pictures that people bring.

Here are LMDB environments and the pages of their files, the snapshot store, the author key, and locks on folders. A
watch sees whether folders are still in their place. `picture` reads pictures, and trusts nothing in them. This room may
import lmdb, Pillow, numpy and the canvas's formats. The backends, a room above, say what a log is.
"""
