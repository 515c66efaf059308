"""`python -m server` is `touchstone`."""

from server.commands.cli import main

main()
