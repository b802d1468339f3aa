"""Inside the network: which base depends on which, where it is computed, and what it is worth."""

from .blocks import Block, Blocks
from .dependencies import DependencyMap, dependency_map
from .heads import HeadAgreement

__all__ = ["Block", "Blocks", "DependencyMap", "HeadAgreement", "dependency_map"]
