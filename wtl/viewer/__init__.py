"""Viewer: a local page to look at datasets and to edit them."""
