"""`placed import`: makes a new log of other edits: Reddit's tables, our exports, and pictures.

command                          flags, exit codes, what is printed
   v
importing, picture               files and the new log
   v
blocks, intake, spool            lines in, rows out; rows put down and taken up in order
   v
formats, columns, values         what a line says, at numpy's speed and one by one
area, colors, shapes, records    the canvas that follows, and its records; pure
"""
