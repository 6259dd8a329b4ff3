"""A scenario's traffic routed between options."""
