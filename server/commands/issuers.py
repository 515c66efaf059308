"""
`touchstone issuer`: whose lists are published, and with which keys. Beside a running server, or without one.

A running server takes up what changed within a second. Each change is an audit row.
"""

import time
from typing import TYPE_CHECKING, Any

import click

from server.commands.issuer_keys import ALGORITHM, CUSTODY, ISSUER, chain, csr, keys, read_issuer, with_wings
from server.commands.terminal import ACTOR, fail, run, say, settings_or_exit

if TYPE_CHECKING:
    from server.wings import Wings


@click.group()
def issuer() -> None:
    """Add or list the issuers whose status lists are published, and change their keys."""


for command in (keys, csr, chain):
    issuer.add_command(command)


@issuer.command("add")
@click.argument("issuer_id", metavar="ID")
@click.option("--owner", default="", help="Who is responsible for it, for people to read.")
@click.option(
    "--did", default=None, help="A DID of its own, whose document its owner publishes, and not this server."
)
@click.option(
    "--algorithm", type=ALGORITHM, default=None, help="Of its keys; not with --did. Default: Ed25519."
)
@click.option(
    "--custody",
    type=CUSTODY,
    default=None,
    help="What holds its keys: files here, or the token of the settings; not with --did. Default: file.",
)
def issuer_add(
    issuer_id: str, owner: str, did: str | None, algorithm: str | None, custody: str | None
) -> None:
    """Add an issuer. Without --did, this server makes its keys and hosts its DID document."""
    if did is not None and (algorithm or custody):
        raise click.UsageError(
            "With --did no keys are made; state the option with `touchstone issuer key add`."
        )
    settings = settings_or_exit()

    async def work() -> None:
        import msgspec

        from operators.issuers.views import CreateIssuer
        from server.commands.opened import actor, open_issuers

        asked = {"id": issuer_id, "owner": owner, "did": did, "algorithm": algorithm, "custody": custody}
        async with open_issuers(settings) as issuers:
            added = await issuers.create(actor(ACTOR), msgspec.convert(asked, CreateIssuer))
        say(f"added the issuer {added.id}: {added.did}")
        if added.keys and custody != "pkcs11":
            names = ", ".join(f"{key.key}.pem" for key in added.keys)
            say(f"created its signing key and a spare one in {settings.key_dir}: {names}")
            say("copy both to every other machine that runs this server")
        if did is not None:
            say(f"make the key that its document shall list: touchstone issuer key add {added.id}")

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


@issuer.command("show")
@ISSUER
def issuer_show(issuer_id: str) -> None:
    """Print all about an issuer and its keys, as JSON."""

    async def work(wings: "Wings", operator: Any) -> None:
        _print_json(await wings.operators.issuers.show(operator, issuer_id))

    with_wings(work)


@issuer.command("document")
@ISSUER
def issuer_document(issuer_id: str) -> None:
    """
    Print the DID document of an issuer, as JSON.

    Of one with a DID of its own: what its owner must add to the document, so that our signatures verify.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        from resolver.documents.contexts import with_contexts_of_v1
        from server.identity.documents import did_document, published_members

        issuer, found = await read_issuer(wings, operator, issuer_id)
        now = int(time.time() * 1_000_000)
        if not wings.operators.issuers.is_hosted(issuer):
            _print_json(published_members(issuer, found, now))
            if any(key.is_published(now) for key in found):
                say(f"the owner of {issuer.did} adds this to its document, beside what is there")
            else:
                say(f"no key of {issuer_id} is here yet: touchstone issuer key add {issuer_id}")
        elif (document := did_document(issuer, found, now)) is not None:
            _print_json(with_contexts_of_v1(document))
        else:
            fail(f"a key of {issuer_id} is not known yet; a server that can read its file notes what it is")

    with_wings(work)


def _print_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
