"""From a checkpoint, or from clicks alone, to finished blocks of heatmap."""
