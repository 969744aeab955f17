"""Benches: each figure that placed promises, as a command that prints a table and writes JSON.

`python -m bench` lists the commands. They run the package as it is in this work tree, in temporary folders, and leave
nothing behind. Each command is a file in this folder; the code that several commands share is in the subfolders.
"""
