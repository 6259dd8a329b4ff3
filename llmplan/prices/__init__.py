"""API prices from the two packages that list them: read, named, merged, compared with data/api_prices.csv."""
