"""Reading sequences: FASTA, 2bit, GenBank, tables, compressed or not, whole or by place."""
