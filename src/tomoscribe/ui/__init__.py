"""The napari side: layers, docks and keys. No maths; the only place for napari and Qt."""
