"""How good picks are."""
