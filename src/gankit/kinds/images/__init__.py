"""Images: grey, RGB or any number of channels, with or without labels."""
