"""The command line: everything that an operator or a painter types, and everything that placed prints.

A command is a file, or a folder: `operations/` looks after a canvas (check, backup, repair), `paint/` paints a picture
through a server's API, `export/` and `copy/` take a log elsewhere, `import_/` brings one in, `timelapse/` films it,
`act/` and `people/` are for moderators and hosts, `settings/` is everything that an operator may decide. Commands may
use every room below, but not the service: `placed.__main__` hands that in. Only this room imports click, pyarrow and
PyAV.
"""
