"""`placed copy`: a whole log to another backend, with its offsets, times and authors; from one machine to a fleet, or
back.

    command     flags, exit codes, printed lines
       v
    copying     copies the log into the other one, and compares both
       v
    people      copies the log's people, from a folder or a topic
       v
    gaps        offsets that hold no record; pure
"""
