"""`python -m llmplan`: the same as the command `llmplan`."""

from llmplan.cli import main

main()
