"""The DNABERT-2 network: configuration, ALiBi, attention backends, models and checkpoints.

The transformers models load when one of their names is first used: their base class takes as long
to import as torch. `autoclasses` registers them with transformers' Auto classes once somebody
imports those, so that ``AutoModel.from_pretrained`` reads what ``save_pretrained`` wrote.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
