"""Picks: the table that holds them, its history and journal, peaks, matching. No torch, no Qt."""
