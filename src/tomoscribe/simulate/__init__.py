"""Seeded tomograms with exact truth, for samples, the demo, tests and benchmarks."""
