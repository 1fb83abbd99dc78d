"""Trainings in the viewer: starting, following, steering and listing them."""
