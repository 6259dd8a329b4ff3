"""Traffic split between a self-hosted and an API tier: measures, costs, optimum."""
