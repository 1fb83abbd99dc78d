"""Membranes: triangle meshes with outward normals, and the density along them."""
