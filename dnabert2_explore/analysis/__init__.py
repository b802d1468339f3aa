"""Questions to a model, one verb a file: arrays in, small frozen results out."""
