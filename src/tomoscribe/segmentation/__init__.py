"""Labels of voxels: what people paint, what maps of scores decode to, what objects measure."""
