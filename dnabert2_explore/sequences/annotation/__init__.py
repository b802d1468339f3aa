"""Annotation of a genome: genes and sites, regions, values for each base."""
