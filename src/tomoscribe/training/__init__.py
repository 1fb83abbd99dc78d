"""Training as a process of its own that talks through a run folder."""
