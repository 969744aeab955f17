"""`placed export`: writes everything that a log has recorded into a table, for use with other tools.

    command      flags, exit codes, what is printed
       v
    exporting    the log, the file, the note beside it
       v
    text, parquet    one kind of file each

`placed import` reads them again, and makes the same canvas with the same authors and times.
"""
