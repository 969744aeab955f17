"""`placed people`: what a host does about the people of a canvas.

command          flags, what is printed, exit codes
   v
sheet, listing   what was made or found, as HTML, CSV and text; pure
host             who is asked: the store in the data folder, or a running server by its API
"""
