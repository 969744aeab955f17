"""Benches: each figure that placed promises, as a command that prints a table and writes JSON.

`python -m bench` lists them. They run against the package as it is in this work tree, in temporary folders, and leave
nothing behind. A command is a file here; what several of them use is in the folders.
"""
