"""Variants: from VCF and tables, normalized, put into windows."""
