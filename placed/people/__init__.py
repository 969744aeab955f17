"""People: who paints, where an address isn't enough, and how a request shows who it is from.

    person, records      values, and how each is kept as a key and a value; pure
         v
    view, changes        what is stored, and what each change makes of it; pure
         v
    record_writing, memory   the changes in LMDB's transactions, and the part that each request asks for
         v
    store                one server's people: reading, changing, following what others change

    report, found_reports, report_changes, reports   the same for what people report of places, in that order

A person has an id, a name and roles, in a store of the data folder; the log, log lines and metrics know their author
alone. `sessions` signs what a browser keeps in its cookie, and reads it without asking the store. `names` says what a
name may be, and which two look alike. Nothing in this room knows of HTTP: `placed.http` reads cookies and tokens, and
asks here.
"""
