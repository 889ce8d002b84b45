"""`python -m agentic_styling`, the same as the command `agentic-styling`."""

from agentic_styling.cli.main import main

if __name__ == "__main__":
    main()
