"""Settings: what an operator decides about one server, from flags, environment variables and the config file.

`values` and `kafka` are the table: one row for each setting. `kind` and `kinds` say what values may be, `setting` makes
a row, `options` makes click's options of the rows, `shown` puts a row into words. `asked_for` says what the settings
ask of a start. The code that takes and checks values lives here. What a setting then does is elsewhere.
"""
