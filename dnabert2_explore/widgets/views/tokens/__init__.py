"""The token view: ribbon, merges, other tokenizers, sizes, edits."""
