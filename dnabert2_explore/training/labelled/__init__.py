"""Labelled sequences: tables, records, and what two splits share."""
