"""The two lanes: how connections are accepted, how requests are read from them, and how answers are written to them.

`front` is the one listener. The fast lane (`fast_lane`, `hot_request`, `keep_alive`) answers the few hot requests of
HTTP/1.1 by itself; the slow lane (`app` on Hypercorn, behind `guard`) has everything else, HTTP/2 and TLS. The modules
one folder up know what a request means.
"""
