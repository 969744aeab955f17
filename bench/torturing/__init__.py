"""The parts of `python -m bench torture` and `python -m bench powerloss`.

    schedule    what happens, from a seed alone         ledger     what must be true of the log and of all canvases
                                                        act_ledger    what must be true of acts
    life        one run of the server                   people     people who paint and follow, through a bad network
                                                        moderator  a moderator who does acts meanwhile
    faults      faults while it runs
    damage      faults while it doesn't                 trials     how a server handles damaged files
    disk, shim, clock                                   a disk that is full soon, code preloaded, a clock that jumps
    session     rounds of all this, until the time is up

`recorder` and `power` belong to `powerloss`: writes and syncs recorded, and the disk as a crash may leave it.
"""
