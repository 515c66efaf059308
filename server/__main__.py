"""`python -m server` is `touchstone`."""

from server.cli import main

main()
