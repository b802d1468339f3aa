"""Commands that train, measure and hand on models."""
