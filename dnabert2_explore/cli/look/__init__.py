"""Commands that open something: the notebook, the app, lessons, documentation, a page."""
