"""`placed check` and `placed backup`: an operator's commands to check, repair and copy a canvas.

    command                      flags, exit codes, printed lines
       v
    check, repair, backup        folders, files, locks, the Kafka topic
       v
    examination, report          the meaning of records, and the findings; pure

Imports point one way, as drawn. These modules use the server's code that reads, and none of its tasks.
"""
