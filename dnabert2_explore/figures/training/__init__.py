"""Training as curves, the leaderboard, a model as it learns."""
