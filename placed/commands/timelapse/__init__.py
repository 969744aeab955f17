"""`placed timelapse`: makes a film of a canvas' past.

    command                     flags, exit codes, printed lines
       v
    filming                     the past, the file
       v
    look, playing, moments      how frames look, the canvas at each frame, moments from flags; pure
    video, apng, gif, webp      one kind of file each, written frame by frame

Memory holds one frame and a part of the log, however long the film is. Only a WebP file is put together in memory.
"""
