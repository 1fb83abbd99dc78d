"""Voxels by class or object: a few maps a class, learned from painted labels, in 2D or 3D."""
