"""`placed export`: writes all edits of a log into a table, for other tools.

    command      flags, exit codes, printed lines
       v
    exporting    the log, the file, the note next to it
       v
    text, parquet    one kind of file each

`placed import` reads them again, and makes the same canvas with the same authors and times.
"""
