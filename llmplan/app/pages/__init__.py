"""The pages: each takes the model, shows what it reads from it, and refreshes when asked."""
