"""The stream: new edits on their way to subscribers.

The broadcaster follows the canvas's feed and makes each frame once, in each form. The fast lane's subscribers have no
task of their own: frames are written straight to their sockets. How frames look on the wire, how fast they come and how
a subscriber catches up belongs here. The room may import Trio, log lines, metrics and the canvas; it knows nothing of
requests.
"""
