"""Attributions on the base axis: one, or several stacked."""
