"""``python -m dnabert2_explore.cli``, which launchers of several processes start."""

from . import main

if __name__ == "__main__":
    main()
