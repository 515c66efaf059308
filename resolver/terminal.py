"""
What the commands of the library share: talk on standard error, and output that goes nowhere. Command.
"""

import os
import sys

FAILURE = 1


def complain(text: str, status: int = FAILURE) -> int:
    """Tell why on standard error; return the exit status."""
    print(text, file=sys.stderr)
    return status


def unwritten(error: OSError) -> int:
    """Tell that the output went nowhere; what is left of it must not be tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return complain(f"standard output: {error.strerror}")
