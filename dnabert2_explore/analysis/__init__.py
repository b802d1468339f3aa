"""Questions to a model, one verb a file: arrays in, small frozen results out."""

import lazy_loader

# `dx.features` is this room's, and the only one that is a public name itself.
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["features"])
