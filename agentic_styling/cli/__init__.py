"""The `agentic-styling` command, a group of subcommands in each file."""
