"""What is learned: each task brings its data, net, loss, metrics, preview and decoding."""
