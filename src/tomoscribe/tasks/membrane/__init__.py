"""Scores of particles on membranes, learned from clicks."""
