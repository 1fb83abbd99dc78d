"""Click a few particles, train, watch the model learn in napari, export the picks."""

__version__ = "0.1.0"
