"""Views of what is inside: dependencies, layers, lens, predicted bases."""
