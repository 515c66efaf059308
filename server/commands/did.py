"""
The command line of DIDs: `touchstone did`. Data goes to stdout, talk to stderr; exit codes as `cli.py`.
"""

import sys

import click


@click.group()
def did() -> None:
    """Check a DID document before you publish it."""


@did.command("lint")
@click.argument("target", metavar="DID|FILE|-")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
def did_lint(target: str, as_json: bool, strict: bool) -> None:
    """
    Tell what is doubtful about a DID document.

    Each doubt comes with what to do. The document is that of a DID, a file, or standard input.

    Exit codes: 0 no error, 1 an error (with --strict: or a warning), 2 wrong usage, 3 no such DID, 6 its origin
    cannot be reached.
    """
    from resolver.lint_command import lint_target

    sys.exit(lint_target(target, as_json=as_json, strict=strict))
