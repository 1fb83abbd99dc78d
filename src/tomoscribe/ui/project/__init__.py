"""The dock Project: tomograms and membranes of the project, and what goes on in it."""
