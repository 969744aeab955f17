"""`placed copy`: a whole log to another backend, with its offsets, times and authors; from one machine to a fleet, or
back.

    command     flags, exit codes, what is printed
       v
    copying     from the one log into the other, and whether both are the same
       v
    people      those of the log, wherever they are kept
       v
    gaps        offsets that hold no record; pure
"""
