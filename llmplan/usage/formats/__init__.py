"""One adapter a format; each is registered by its entry point in pyproject.toml."""
