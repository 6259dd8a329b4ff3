"""Event simulation of continuous batching: the check on the formulas, and `llmplan simulate`."""
