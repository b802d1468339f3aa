"""The map under the points: the vectors it lays out, its methods, UMAP's process, its judgement."""
