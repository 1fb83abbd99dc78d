"""Two segmentations of an image judged by its labels, and set against each other elsewhere."""
