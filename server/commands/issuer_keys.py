"""
`touchstone issuer key`, `csr` and `chain`: the keys of an issuer, and their certificates. Beside a running server,
or without one; a planned activation needs one, which does it in time.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.commands.terminal import ACTOR, note, run, say, settings_or_exit

if TYPE_CHECKING:
    from operators import Issuer, IssuerKey
    from operators.issuers.views import IssuerKeyView, IssuerView
    from server.settings import Settings
    from server.wings import Wings

ISSUER = click.argument("issuer_id", metavar="ISSUER")
KEY = click.argument("key_id", metavar="KEY")
OPTIONAL_KEY = click.argument("key_id", metavar="[KEY]", required=False)
ALGORITHM = click.Choice(["Ed25519", "P-256", "P-384"])
CUSTODY = click.Choice(["file", "pkcs11"])

Work = Callable[["Wings", Any], Coroutine[Any, Any, None]]


@click.group("key")
def keys() -> None:
    """Add a signing key, let it sign, or give it up."""


@keys.command("list")
@ISSUER
def key_list(issuer_id: str) -> None:
    """
    Print every key that an issuer ever had.

    One a line, separated by tabs: id, state, since when, algorithm, custody, and what comes next: when an announced
    key will sign, or a retired one leaves the DID document; `-` for neither.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        shown = (await wings.operators.issuers.show(operator, issuer_id)).keys
        if not shown:
            note(f"{issuer_id} has no keys here; touchstone issuer key add {issuer_id}")
        for key in shown:
            since = key.compromised_since or key.retired_at or key.activated_at or key.announced_at
            coming = key.activates_at or key.leaves_document_at or "-"
            click.echo("\t".join((key.key, key.state, since, key.algorithm or "-", key.custody, coming)))

    with_wings(work)


@keys.command("add")
@ISSUER
@click.option("--algorithm", type=ALGORITHM, default=None, help="Default: as the key that signs now.")
@click.option("--custody", type=CUSTODY, default=None, help="Default: as the key that signs now.")
def key_add(issuer_id: str, algorithm: str | None, custody: str | None) -> None:
    """
    Make a key, and announce it.

    It stands in the DID document that this server publishes within a second. Of an issuer with a DID of its own,
    `touchstone issuer document` prints what its owner must publish.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        import msgspec

        from operators.issuers.views import AddKey

        wanted = msgspec.convert({"algorithm": algorithm, "custody": custody}, AddKey)
        added = await wings.issuing.changes.add(operator, issuer_id, wanted)
        issuer = await wings.operators.issuers.show(operator, issuer_id)
        click.echo(added.key)
        say(f"made the {added.algorithm} key {added.key} of {issuer_id}; it is {added.state}")
        _tell_where(wings.resources.settings, added)
        if added.state == "announced":
            _tell_next(issuer, added)

    with_wings(work)


def _tell_where(settings: "Settings", added: "IssuerKeyView") -> None:
    if added.custody == "file":
        say(f"copy {settings.key_dir}/{added.key}.pem to every other machine that runs this server")


def _tell_next(issuer: "IssuerView", added: "IssuerKeyView") -> None:
    if not issuer.hosted:
        say(f"{issuer.did} must list it first: touchstone issuer document {issuer.id}")
    say(f"then let it sign: touchstone issuer key activate {issuer.id} {added.key}")


@keys.command("activate")
@ISSUER
@OPTIONAL_KEY
def key_activate(issuer_id: str, key_id: str | None) -> None:
    """
    Let an announced key sign.

    Without KEY: the one that is known for longest. The key before it is retired, and every list of the issuer is
    signed anew. A key that verifiers may not have seen yet signs as soon as they have: then a running server does
    it. Of an issuer with a DID of its own, the document is fetched first, and must list the key.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        key = await wings.issuing.changes.activate(operator, issuer_id, key_id)
        if key.activates_at is not None:
            say(
                f"{key.key} will sign for {issuer_id} from {key.activates_at}, when every verifier can know it;"
            )
            say("a running server does that by itself")
        else:
            say(f"{key.key} signs for {issuer_id} now; its lists are signed anew")

    with_wings(work)


@keys.command("retire")
@ISSUER
@KEY
def key_retire(issuer_id: str, key_id: str) -> None:
    """
    Take an announced key back; it leaves the DID document.

    The key that signs is retired by `activate` of the next one.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        key = await wings.issuing.changes.retire(operator, issuer_id, key_id)
        say(f"{key.key} of {issuer_id} is retired; it never signed")

    with_wings(work)


@keys.command("compromised")
@ISSUER
@KEY
@click.option("--since", default=None, help="Since when, such as 2026-11-30T00:00:00Z. Default: now.")
def key_compromised(issuer_id: str, key_id: str, since: str | None) -> None:
    """
    Give up a key that others may have. It leaves the DID document at once, for ever.

    Where it signed, the spare key signs from now on, and every list of the issuer is signed anew.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        from operators.issuers.views import CompromiseKey

        key = await wings.issuing.changes.compromise(operator, issuer_id, key_id, CompromiseKey(since=since))
        say(
            f"{key.key} of {issuer_id} is given up: what it signed since {key.compromised_since} does not count"
        )
        _tell_who_signs(await wings.operators.issuers.show(operator, issuer_id), key)

    with_wings(work)


def _tell_who_signs(issuer: "IssuerView", lost: "IssuerKeyView") -> None:
    signing = next((key for key in issuer.keys if key.state == "active"), None)
    if signing is not None:
        anew = "; lists that the lost key may have signed are signed anew" if lost.activated_at else ""
        say(f"{signing.key} signs for {issuer.id}{anew}")
    elif any(key.state == "announced" for key in issuer.keys):
        say(
            f"no key signs for {issuer.id} now; a running server looks whether {issuer.did} lists another one"
        )
    else:
        say(f"no key signs for {issuer.id} now: touchstone issuer key add {issuer.id}")
    if not issuer.hosted:
        say(f"have it taken out of the document of {issuer.did}, which is not served here")


@click.command("csr")
@ISSUER
@OPTIONAL_KEY
@click.option("--subject", required=True, help='Its name, such as "CN=Transport Office,O=Ministry,C=NO".')
def csr(issuer_id: str, key_id: str | None, subject: str) -> None:
    """
    Print a request for a certificate.

    In PEM (PKCS#10), of a P-256 or P-384 key. Without KEY: of the one that signs.
    """

    async def work(wings: "Wings", operator: Any) -> None:
        from proofs.certificates import certificate_request
        from server.identity.custody import Custody

        issuer, key = await _issuer_and_key(wings, operator, issuer_id, key_id)
        signer = Custody(wings.resources.settings).open(issuer, key)
        click.echo(certificate_request(signer, subject), nl=False)

    with_wings(work)


@click.group("chain")
def chain() -> None:
    """Keep the certificates of a key."""


@chain.command("import")
@ISSUER
@KEY
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def chain_import(issuer_id: str, key_id: str, file: Path) -> None:
    """Keep the certificates in FILE (PEM) for a key: its own, and those above it. The anchor is left out."""
    pem = file.read_bytes()

    async def work(wings: "Wings", operator: Any) -> None:
        from datetime import UTC, datetime
        from ssl import DER_cert_to_PEM_cert

        from proofs.certificates import chain_ends, read_chain
        from server.identity.documents import public_key_of
        from wire import Conflict, format_utc

        _, key = await _issuer_and_key(wings, operator, issuer_id, key_id)
        if key.public_key is None:
            raise Conflict(f"{key_id} is not known yet; a server that can read its file notes what it is")
        found = read_chain(pem, public_key_of(key), now=datetime.now(UTC))
        kept = "".join(map(DER_cert_to_PEM_cert, found))
        await wings.issuing.changes.certify(operator, issuer_id, key_id, kept)
        ends = format_utc(chain_ends(found))
        say(f"kept the certificates of {key_id} ({len(found)}); the first to end does so {ends}")

    with_wings(work)


async def _issuer_and_key(
    wings: "Wings", operator: Any, issuer_id: str, key_id: str | None
) -> "tuple[Issuer, IssuerKey]":
    """
    Return an issuer and its key of that id; None: the one that signs.

    Raises:
        ResourceNotFound: there is none.
    """
    from operators.issuers.keys import active_key
    from operators.issuers.rotation import known_key
    from wire import ResourceNotFound

    issuer, found = await read_issuer(wings, operator, issuer_id)
    key = active_key(found) if key_id is None else known_key(found, key_id)
    if key is None:
        raise ResourceNotFound(f"no key signs for {issuer_id} now; name one")
    return issuer, key


async def read_issuer(wings: "Wings", operator: Any, issuer_id: str) -> "tuple[Issuer, list[IssuerKey]]":
    """Return an issuer and every key that it ever had; raises ResourceNotFound."""
    from operators.issuers.issuers import issuer_and_keys

    return await wings.resources.database.read(lambda tx: issuer_and_keys(tx, operator, issuer_id))


def with_wings(work: Work) -> None:
    """Run `work` with all parts of a process, and whoever acts at the command line."""
    settings = settings_or_exit()

    async def opened() -> None:
        from server.commands.opened import actor, open_parts

        async with open_parts(settings) as wings:
            await work(wings, actor(ACTOR))

    run(opened)
