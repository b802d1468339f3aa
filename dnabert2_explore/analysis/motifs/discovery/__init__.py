"""From contributions to patterns: seqlets, their neighbours, clusters, growth."""
