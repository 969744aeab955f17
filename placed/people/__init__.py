"""People: who paints, if an address isn't enough to tell, and how a request shows who sent it.

    person, records      values, and how each is kept as a key and a value; pure
         v
    view, changes        the stored people, and the records that each change writes; pure
         v
    record_writing, memory   the changes in LMDB's transactions, and the part that each request needs
         v
    store                one server's people: reads them, changes them, and follows other processes' changes

    report, found_reports, report_changes, reports   the same for reports of places, in that order

A person has an id, a name and roles, in a store of the data folder. The log, log lines and metrics have only the
person's author. `sessions` signs the session that a browser keeps in its cookie, and reads it without asking the store.
`names` says what a name may be, and which two names look alike. Nothing in this room knows HTTP: `placed.http` reads
cookies and tokens, and asks here.
"""
