"""The code files that an exported model brings along: DNABERT-2 on padded batches.

The package's own network is built of their blocks (`network.blocks`).
"""
