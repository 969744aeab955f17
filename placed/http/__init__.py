"""HTTP: the requests that a client may send, and the answers.

`api` has the endpoints; beside it are parameters and bodies, answers, who a client is, and what one may have. Both
lanes of `lanes/` answer through these files, so that an endpoint is written once. What follows a canvas is in `stream`;
this room asks the tasks and streams below it, and may not open a log or a file of the data folder.
"""
