"""The feature view: sparse features trained, read, listed, looked up."""
