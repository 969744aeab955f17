"""`placed people`: a host's commands about the people of a canvas.

command          flags, printed lines, exit codes
   v
sheet, listing   the results, as HTML, CSV and text; pure
host             answers the commands: the store in the data folder, or a running server by its API
"""
