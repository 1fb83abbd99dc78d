"""The dock Compare: checkpoints against each other, and the review of what they propose."""
