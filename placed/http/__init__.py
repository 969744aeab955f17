"""HTTP: the requests that a client may send, and the answers.

`api` has the endpoints. The other files read parameters and bodies, make answers, find out who a client is, and limit
what one client may use. Both lanes of `lanes/` answer through these files, so that an endpoint is written once. The
live stream of edits is made in `stream`. This room asks the tasks and streams below it, and may not open a log or a
file of the data folder.
"""
