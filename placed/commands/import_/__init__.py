"""`placed import`: makes a new log from other data: Reddit's tables, our own exports, and pictures.

command                          flags, exit codes, what is printed
   v
importing, picture               files and the new log
   v
blocks, intake, spool            read lines, make rows, and sort the rows on the disk
   v
formats, columns, values         what a line says, at numpy's speed and one by one
area, colors, shapes, records    the canvas that follows, and its records; pure
"""
