"""Scores in the viewer: maps on volumes and meshes, and what they propose."""
