"""Tokens on the base axis, the merges that made them, tokenizers beside each other."""
