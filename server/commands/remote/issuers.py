"""
`touchstone issuer`: whose lists are published, and with which keys. Over the operator API.

Every running server takes up what changed within a second.
"""

from typing import Any

import click

from server.commands.remote.api import REASON, OperatorApi, operator_api
from server.commands.remote.issuer_keys import (
    ALGORITHM,
    CUSTODY,
    ISSUER,
    chain,
    csr,
    issuer_of,
    keys,
    machine_of,
    path_of,
)
from server.commands.terminal import print_json, row, say


@click.group()
def issuer() -> None:
    """Add issuers of status lists, and change their keys."""


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
    help="What holds its keys: files of the server, or the token of its settings; not with --did. Default: file.",
)
@REASON
def issuer_add(
    issuer_id: str, owner: str, did: str | None, algorithm: str | None, custody: str | None
) -> None:
    """Add an issuer. Without --did, the server makes its keys and hosts its DID document."""
    if did is not None and (algorithm or custody):
        raise click.UsageError(
            "With --did no keys are made; state the option with `touchstone issuer key add`."
        )
    with operator_api() as api:
        import msgspec

        from operators.issuers.views import CreateIssuer, IssuerView

        asked = {"id": issuer_id, "owner": owner, "did": did, "algorithm": algorithm, "custody": custody}
        added = api.post("/operator/issuers", IssuerView, msgspec.convert(asked, CreateIssuer))
        api.expect(added.id == issuer_id and did in (None, added.did), "about another issuer")
        say(f"added the issuer {added.id}: {added.did}")
        if files := [f"{key.key}.pem" for key in added.keys if key.custody == "file"]:
            say(f"created its signing key and a spare one: {', '.join(files)}")
            say(f"they are in the key directory of {machine_of(api)}")
            say("copy both to every other machine that runs this server")
        if did is not None:
            say(f"make the key that its document shall list: touchstone issuer key add {added.id}")


@issuer.command("list")
def issuer_list() -> None:
    """Print every issuer. One a line, separated by tabs: id, DID, the id of its active key here, owner."""
    with operator_api() as api:
        from operators.issuers.views import IssuerPage

        for page in api.pages("/operator/issuers", IssuerPage):
            for found in page.issuers:
                active = next((key.key for key in found.keys if key.state == "active"), "-")
                row(found.id, found.did, active, found.owner)


@issuer.command("show")
@ISSUER
def issuer_show(issuer_id: str) -> None:
    """Print all about an issuer and its keys, as JSON."""
    with operator_api() as api:
        print_json(issuer_of(api, issuer_id))


@issuer.command("document")
@ISSUER
def issuer_document(issuer_id: str) -> None:
    """
    Print the DID document of an issuer, as JSON.

    Of one with a DID of its own: what its owner must add to the document, so that our signatures verify.
    """
    with operator_api() as api:
        document = api.get(f"{path_of(issuer_id)}/document", dict[str, Any])
        print_json(document)
        if "id" not in document:
            _tell_owner(api, issuer_id, is_any=bool(document.get("verificationMethod")))


def _tell_owner(api: OperatorApi, issuer_id: str, *, is_any: bool) -> None:
    if is_any:
        did = issuer_of(api, issuer_id).did
        say(f"the owner of {did} adds this to its document, beside what is there")
    else:
        say(f"no key of {issuer_id} is here yet: touchstone issuer key add {issuer_id}")
