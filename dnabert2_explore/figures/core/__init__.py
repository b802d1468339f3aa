"""What every figure shares: style, colours, the base axis, letters, pages."""
