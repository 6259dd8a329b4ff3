"""Constants fitted to measurements, and how far they can be trusted."""
