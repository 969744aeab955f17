"""What a host gives a canvas of their own, and what a link to it shows in a chat: title, about, icon, preview.

`identity` holds what the settings name, `about` and `icon` read and check it. `page` serves the page with it,
`previews` the picture for chats.
"""
