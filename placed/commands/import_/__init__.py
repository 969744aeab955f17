"""`placed import`: makes a new log from other data: Reddit's tables, our own exports, and pictures.

command                          flags, exit codes, printed lines
   v
importing, picture               files and the new log
   v
blocks, intake, spool            read lines, make rows, and sort the rows on the disk
   v
formats, columns, values         read lines, many at numpy's speed or one by one
area, colors, shapes, records    make the canvas and its records; pure
"""
