"""Training seen: fine-tuning, pre-training, leaderboard, time-lapse."""
