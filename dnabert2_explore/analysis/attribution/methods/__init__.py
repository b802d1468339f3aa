"""Methods that score tokens: by gradients, by what is inside, by what is lost, by relevance."""
