"""Commands that compute from files: tokens, vectors, predictions, attributions, variants."""
