"""`placed paint`: paints a picture file onto a placed canvas through its public API, politely.

    command -> painter -> api                  the network
                  |    -> progress             the terminal
                  v
        plan, pace           pure

Pictures are read by `placed.storage.picture`, and `placed.canvas.quantise` finds their nearest colours. A server's own
modules are not imported: the bot knows what `GET /info` tells, as any other client does.
Imports point one way, as drawn.
"""
