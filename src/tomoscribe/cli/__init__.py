"""The command line: one module a group of verbs, each calling what the docks call."""
