"""Painted labels: the brush, its classes, and what a training makes of them."""
