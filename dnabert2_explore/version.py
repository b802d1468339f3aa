"""The package's version, on the lowest floor, so that every floor can name it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
