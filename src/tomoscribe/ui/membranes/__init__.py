"""Membranes in the viewer: the painted mesh, picking on it, patches, profiles, meshing."""
