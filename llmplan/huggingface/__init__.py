"""A model's row of models.csv from its config.json: shapes, parameters, KV cache, state, stored sizes."""
