"""Particles in tomograms: one heatmap a class, learned from sparse clicks."""
