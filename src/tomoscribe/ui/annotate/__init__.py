"""The dock Annotate and what it edits: picks, classes, regions, the instant answer."""
