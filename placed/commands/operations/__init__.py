"""`placed check` and `placed backup`: what an operator uses to check, repair and copy a canvas.

    command                      flags, exit codes, what is printed
       v
    check, repair, backup        folders, files, locks, the Kafka topic
       v
    examination, report          what the records mean, and what was found; pure

Imports point one way, as drawn. These modules use the parts of the server that read, and none of its tasks.
"""
