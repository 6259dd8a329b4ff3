"""llmplan: call LLM APIs, self-host open-weight models, or route between both."""

__version__ = "0.1.0"
