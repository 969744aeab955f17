"""`placed paint`: paints a picture file onto a placed canvas through its public API, politely.

    command -> painter -> api                  the network
                  |    -> progress             the terminal
                  v
        plan, pace           pure; pictures and their nearest colours come from `placed.pictures`

The server's own modules are not imported: the bot knows what `GET /info` tells, as any other client does.
Imports point one way, as drawn.
"""
