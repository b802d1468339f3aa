"""What is trained, from what, towards what: all weights, adapters, or a head alone."""
