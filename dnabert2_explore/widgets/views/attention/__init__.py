"""The attention view: maps, their words, the gallery of heads."""
