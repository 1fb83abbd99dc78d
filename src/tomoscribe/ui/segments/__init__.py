"""What becomes of the maps of a segmentation in the viewer: objects, their table, their files."""
