"""What a result carries: how it shows itself, which call made it, what its file says of it."""
