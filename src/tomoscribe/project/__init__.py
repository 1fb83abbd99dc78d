"""The project folder: tomograms, classes, picks, regions, runs, and what of them trains."""
