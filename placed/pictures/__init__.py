"""Pictures: reads picture files, which come from anywhere, and finds the palette's nearest colours.

    picture      a file or its bytes to RGB pixels and a mask of the visible ones; by Pillow
    png_picture  PNG files where Pillow reads them differently than the format says
    quantise     RGB pixels to palette indexes; pure

`placed paint` and `placed import` read files with it, and a moderator's stamp is read with it. Nothing here knows of a
canvas, a log or HTTP.
"""
