"""Views of one sequence: tokens, attention, dependencies, lens, layers, features, variants."""
