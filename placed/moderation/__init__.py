"""Looking after a canvas: what an act does, beside what the fold makes of its record.

    act's fields + canvas + past --> painting --> corrections      which pixels an act changes

    painting       puts what an act wants beside the canvas as it is, and gives the pixels that differ
    wipe           an area becomes one colour
    stamp          a picture, in the palette's nearest colours
    restore        pixels get the colour that they had, or the last one by anybody else
    undo           an act's own pixels get the colour that they had without it
    whole_past     the past that these need, from the history, and from the log where there is none
    painted_since  which pixels were painted while an act was worked out
    rules          who may paint where, asked before an edit is appended
    gate           opens and closes the canvas when a plan's time has come

What moderators ask is read in `http`; what an act's record means is in `canvas.acts`.
"""
