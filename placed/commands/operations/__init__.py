"""`placed check` and `placed backup`: a canvas looked at, mended and copied by whoever runs it.

    command                      flags, exit codes, what is printed
       v
    check, repair, backup        folders, files, locks, the Kafka topic
       v
    examination, report          what the records mean, and what was found; pure

Imports point one way, as drawn. The server's reading parts are used, none of its tasks.
"""
