"""The history: the canvas at any version, who placed what, and when; a projection of the log like the canvas itself.

    gathering --> stretch     records of the log, as columns; `records` makes their bytes again
                  builder     puts stretches together, in a tail, until that fills a segment
                  segment     a file, sealed and checked; of `columns` and a `pixel_index`
                  folder      all of them
                  past        what can be asked of it; `pixel`, `activity`
                  indexer     the task that reads the log and writes the files

All but `indexer` do without Trio and sockets: what blocks, blocks, and is called in worker threads.
"""
