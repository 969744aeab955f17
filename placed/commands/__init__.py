"""The command line: everything that an operator or a painter types, and everything that is printed.

A command is a file, or a folder for one with several: `operations/` looks after a canvas (check, backup, repair),
`paint/` paints a picture through a server's API, `export/`, `import_/` and `copy/` take a log elsewhere and bring one
in, `timelapse/` films it, `settings/` is everything that an operator may decide. Commands may use every room below, but
not the service, which they are handed. Only this room imports click, httpx, Pillow, pyarrow and PyAV.
"""
