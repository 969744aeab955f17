"""Settings: an operator's decisions about one server, from flags, environment variables and the config file.

`values`, `page`, `people` and `kafka` are the table: one row for each setting. `kind` and `kinds` say what values may
be, `setting` makes a row, `options` makes click's options of the rows, `shown` puts a row into words. `asked_for` says
what the settings ask of a start. This folder takes and checks values. The code that acts on a setting is elsewhere.
"""
