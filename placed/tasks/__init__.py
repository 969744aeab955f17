"""The tasks around one log: recovery, the reader, the writer, the snapshotter and the image's encoder.

Each is one piece of state with one task that writes it. Its caller gives it the log, the store and the canvas that it
works on. They may use backends, storage and the canvas; they know nothing of HTTP and of subscribers.
"""
