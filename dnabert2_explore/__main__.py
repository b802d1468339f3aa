"""``python -m dnabert2_explore``: the command line without its console script."""

from .cli import main

if __name__ == "__main__":
    main()
