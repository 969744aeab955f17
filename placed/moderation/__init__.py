"""Looking after a canvas: the effects of an act that the fold doesn't make from the act's record.

    act's fields + canvas + past --> painting --> corrections      which pixels an act changes

    painting       compares the canvas that an act wants with the present one, and gives the pixels that differ
    wipe           an area becomes one colour
    stamp          a picture goes onto the canvas, in the palette's nearest colours
    restore        pixels get the colour that they had, or the last one by anybody else
    undo           an act's own pixels get the colour that they had without it
    whole_past     the past that these need, from the history, and from the log where there is none
    painted_since  which pixels were painted while an act was worked out
    rules          who may paint where; checked before an edit is appended
    gate           opens and closes the canvas when a plan's time has come

`http` reads the moderators' requests; `canvas.acts` says what an act's record means.
"""
