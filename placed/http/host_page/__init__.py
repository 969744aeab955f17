"""The title, about text and icon that a host gives a canvas, and the preview that a chat shows beside a link to it.

`identity` holds the title, the text and the icon from the settings. `about` and `icon` read and check them. `page`
serves the page with them, `previews` the picture for chats.
"""
