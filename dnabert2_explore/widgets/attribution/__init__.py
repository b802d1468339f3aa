"""The attribution view, its settings, its scorecard, and what leaves it."""
