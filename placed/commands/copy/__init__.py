"""`placed copy`: a whole log to another backend, with its offsets, times and authors; from one machine to a fleet, or
back.

    command     flags, exit codes, what is printed
       v
    copying     from the one log into the other, and whether both are the same
       v
    gaps        offsets that hold no record; pure
"""
