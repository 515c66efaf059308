"""
`touchstone issuer`: whose lists are published, and with which keys. Beside a running server, or without one.

A running server takes up what changed within a second. Each change is an audit row.
"""

import click

from server.commands.terminal import ACTOR, run, say, settings_or_exit


@click.group()
def issuer() -> None:
    """Add or list the issuers whose status lists are published, and change their keys."""


@issuer.command("add")
@click.argument("issuer_id", metavar="ID")
@click.option("--owner", default="", help="Who is responsible for it, for people to read.")
@click.option(
    "--did", default=None, help="A DID of its own, whose document its owner publishes, and not this server."
)
@click.option(
    "--algorithm", type=click.Choice(["Ed25519", "P-256", "P-384"]), default="Ed25519", show_default=True
)
@click.option("--custody", type=click.Choice(["file", "pkcs11"]), default="file", show_default=True)
def issuer_add(issuer_id: str, owner: str, did: str | None, algorithm: str, custody: str) -> None:
    """Add an issuer. Without --did, this server makes its keys and hosts its DID document."""
    settings = settings_or_exit()

    async def work() -> None:
        import msgspec

        from operators.issuers.views import CreateIssuer
        from server.commands.opened import actor, open_issuers

        asked = {"id": issuer_id, "owner": owner, "did": did, "algorithm": algorithm, "custody": custody}
        async with open_issuers(settings) as issuers:
            added = await issuers.create(actor(ACTOR), msgspec.convert(asked, CreateIssuer))
        say(f"added the issuer {added.id}: {added.did}")
        if added.keys and custody == "file":
            names = ", ".join(f"{key.key}.pem" for key in added.keys)
            say(f"created its signing key and a spare one in {settings.key_dir}: {names}")
            say("copy both to every machine that runs this server")

    run(work)


@issuer.command("list")
def issuer_list() -> None:
    """Print every issuer. One a line, separated by tabs: id, DID, the id of its active key here, owner."""
    settings = settings_or_exit()

    async def work() -> None:
        from operators.issuers.key_store import signing_key
        from operators.store import all_issuers
        from server.commands.opened import open_database

        async with open_database(settings) as database:
            found = await database.read(
                lambda tx: [(issuer, signing_key(tx, issuer.id)) for issuer in all_issuers(tx)]
            )
        for issuer, key_id in found:
            click.echo("\t".join((issuer.id, issuer.did, key_id or "-", issuer.owner)))

    run(work)
