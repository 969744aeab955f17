"""`placed timelapse`: makes a film of a canvas' past.

    command                     flags, exit codes, what is printed
       v
    filming                     the past, the file
       v
    cut, playing, moments       which part of the past, and the canvas at each frame; pure
    video, apng, gif, webp      one kind of file each, which takes frame after frame

Memory holds one frame, and a part of the log, whatever the film's length; a WebP file is put together in memory.
"""
