"""People: who paints, where an address isn't enough, and how a request shows who it is from.

A person has an id, a name and roles, in a store of the data folder; the log knows their author alone. `sessions` signs
what a browser keeps in its cookie, and reads it without asking the store. `names` says what a name may be, and which
two look alike. Nothing in this room knows of HTTP: `placed.http` reads cookies and tokens, and asks here.
"""
