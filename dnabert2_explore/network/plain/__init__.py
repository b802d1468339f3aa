"""The two code files that an exported model brings along: DNABERT-2 on padded batches, in one file.

The package's own network is built of their blocks (`network.blocks`).
"""
