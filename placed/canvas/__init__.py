"""The canvas: what records mean and what they make of it, and the formats that it is kept and shown in.

Records, the feed, cooldowns, the projection of all of them, edit codes, palettes and their nearest colours, snapshots
and PNG. Everything here is pure: values in, values out, with numpy, without Trio, sockets or threads, so that each
server makes the same of the same log. It imports no other room.
"""
