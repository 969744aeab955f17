"""The canvas: what records mean, how they change the canvas, and the formats that store and show it.

Records, the feed, cooldowns, the projection of all of them, edit codes, palettes and their nearest colours, snapshots
and PNG. Everything here is pure: values in, values out, with numpy, without Trio, sockets or threads, so that each
server makes the same canvas from the same log. It imports no other room.
"""
