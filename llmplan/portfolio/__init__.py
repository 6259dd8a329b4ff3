"""What runs today, app by app, planned together."""
