"""The history: the canvas at any version, who placed what, and when; a projection of the log like the canvas itself.

    gathering --> stretch     records of the log, as columns; `records` turns them into bytes again
                  builder     joins stretches in a tail, until the tail fills a segment
                  segment     one file, sealed and checked; made of `columns` and a `pixel_index`
                  folder      all segments of a history
                  overview    sums up 32 segments, so that not all have to be opened; `overview_files` stores them
                  past        answers questions; `pixel` and `activity` answer two more
                  indexer     the task that reads the log and writes the segments

Only `indexer` and `restoring` use Trio. The others block, and are called in worker threads.
"""
