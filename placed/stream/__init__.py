"""The stream: new edits on their way to subscribers.

The broadcaster follows the canvas's feed and makes each frame once, in each form; it is written straight to the
sockets of the subscribers that have no task of their own. How frames look on the wire, how fast they come and how
somebody catches up belongs here. It may import Trio, log lines, metrics and the canvas; it knows nothing of requests.
"""
