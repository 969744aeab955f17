"""`placed paint`: paints a picture file onto a placed canvas through its public API, politely.

    command -> painter -> api                  the network
                  |    -> progress             the terminal
                  v
        plan, pace           pure

`placed.storage.picture` reads pictures, and `placed.canvas.quantise` finds their nearest colours. The bot imports none
of a server's own modules: like any other client, it knows the server from `GET /info`.
Imports point one way, as drawn.
"""
