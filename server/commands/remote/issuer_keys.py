"""
`touchstone issuer key`, `csr` and `chain`: the keys of an issuer, and their certificates. Over the operator API.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.commands.remote.api import REASON, OperatorApi, operator_api, segment
from server.commands.terminal import EXIT_NOT_FOUND, fail, note, row, say

if TYPE_CHECKING:
    from operators.issuers.views import IssuerKeyView, IssuerView

ISSUER = click.argument("issuer_id", metavar="ISSUER")
KEY = click.argument("key_id", metavar="KEY")
OPTIONAL_KEY = click.argument("key_id", metavar="[KEY]", required=False)
ALGORITHM = click.Choice(["Ed25519", "P-256", "P-384"])
CUSTODY = click.Choice(["file", "pkcs11"])


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

    with operator_api() as api:
        shown = issuer_of(api, issuer_id).keys
        if not shown:
            note(f"{issuer_id} has no keys here; touchstone issuer key add {issuer_id}")
        for key in shown:
            since = key.compromised_since or key.retired_at or key.activated_at or key.announced_at
            coming = key.activates_at or key.leaves_document_at or "-"
            row(key.key, key.state, since, key.algorithm or "-", key.custody, coming)


@keys.command("add")
@ISSUER
@click.option("--algorithm", type=ALGORITHM, default=None, help="Default: as the key that signs now.")
@click.option("--custody", type=CUSTODY, default=None, help="Default: as the key that signs now.")
@REASON
def key_add(issuer_id: str, algorithm: str | None, custody: str | None) -> None:
    """
    Make a key, and announce it.

    It stands in the DID document that the server publishes within a second. Of an issuer with a DID of its own,
    `touchstone issuer document` prints what its owner must publish.
    """

    with operator_api() as api:
        import msgspec

        from operators.issuers.views import AddKey, IssuerKeyView

        wanted = msgspec.convert({"algorithm": algorithm, "custody": custody}, AddKey)
        added = api.post(f"{path_of(issuer_id)}/keys", IssuerKeyView, wanted)
        _expect(api, added, issuer_id)
        row(added.key)
        say(f"made the {added.algorithm} key {added.key} of {issuer_id}; it is {added.state}")
        if added.custody == "file":
            say(f"its file is {added.key}.pem, in the key directory of {machine_of(api)}")
            say("copy it to every other machine that runs this server")
        if added.state == "announced":
            _tell_next(issuer_of(api, issuer_id), added)


def _tell_next(issuer: "IssuerView", added: "IssuerKeyView") -> None:
    if not issuer.hosted:
        say(f"{issuer.did} must list it first: touchstone issuer document {issuer.id}")
    say(f"then let it sign: touchstone issuer key activate {issuer.id} {added.key}")


@keys.command("activate")
@ISSUER
@OPTIONAL_KEY
@REASON
def key_activate(issuer_id: str, key_id: str | None) -> None:
    """
    Let an announced key sign.

    Without KEY: the one that is known for longest. The key before it is retired, and every list of the issuer is
    signed anew. A key that verifiers may not have seen yet signs as soon as they have: the server sees to it. Of an
    issuer with a DID of its own, the document is fetched first, and must list the key.
    """
    with operator_api() as api:
        key = _change(api, issuer_id, key_id, "activate")
        _expect(api, key, issuer_id, key_id, "active" if key.activates_at is None else "announced")
        if key.activates_at is not None:
            say(
                f"{key.key} will sign for {issuer_id} from {key.activates_at}, when every verifier can know it;"
            )
            say("a running server does that by itself")
        else:
            say(f"{key.key} signs for {issuer_id} now; its lists are signed anew")


@keys.command("retire")
@ISSUER
@KEY
@REASON
def key_retire(issuer_id: str, key_id: str) -> None:
    """
    Take an announced key back; it leaves the DID document.

    The key that signs is retired by `activate` of the next one.
    """
    with operator_api() as api:
        key = _change(api, issuer_id, key_id, "retire")
        _expect(api, key, issuer_id, key_id, "retired")
        say(f"{key.key} of {issuer_id} is retired; it never signed")


@keys.command("compromised")
@ISSUER
@KEY
@click.option("--since", default=None, help="Since when, such as 2026-11-30T00:00:00Z. Default: now.")
@REASON
def key_compromised(issuer_id: str, key_id: str, since: str | None) -> None:
    """
    Give up a key that others may have. It leaves the DID document at once, for ever.

    Where it signed, the spare key signs from now on, and every list of the issuer is signed anew.
    """
    with operator_api() as api:
        from operators.issuers.views import CompromiseKey, IssuerKeyView

        path = f"{path_of(issuer_id, key_id)}/compromised"
        key = api.post(path, IssuerKeyView, CompromiseKey(since=since))
        _expect(api, key, issuer_id, key_id, "compromised")
        say(
            f"{key.key} of {issuer_id} is given up: what it signed since {key.compromised_since} does not count"
        )
        _tell_who_signs(issuer_of(api, issuer_id), key)


def _change(api: OperatorApi, issuer_id: str, key_id: str | None, action: str) -> "IssuerKeyView":
    from operators.issuers.views import IssuerKeyView

    return api.post(f"{path_of(issuer_id, key_id or '')}/{action}", IssuerKeyView)


def _expect(
    api: OperatorApi,
    key: "IssuerKeyView",
    issuer_id: str,
    key_id: str | None = None,
    state: str | None = None,
) -> None:
    """End the command where the answer is about another key, or about one that is not as was asked."""
    is_it = key.issuer_id == issuer_id and key_id in (None, key.key)
    api.expect(is_it and state in (None, key.state), f"that {key.key} of {key.issuer_id} is {key.state}")


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
@REASON
def csr(issuer_id: str, key_id: str | None, subject: str) -> None:
    """
    Print a request for a certificate.

    In PEM (PKCS#10), of a P-256 or P-384 key. Without KEY: of the one that signs.
    """
    with operator_api() as api:
        from server.identity.papers import AskCertificate, CertificateRequest

        path = f"{path_of(issuer_id, key_id or _active_key(api, issuer_id))}/certificate-request"
        made = api.post(path, CertificateRequest, AskCertificate(subject=subject))
        for line in made.certificate_request.splitlines():
            row(line)


def _active_key(api: OperatorApi, issuer_id: str) -> str:
    shown = issuer_of(api, issuer_id).keys
    active = next((key.key for key in shown if key.state == "active"), None)
    return active or fail(f"no key signs for {issuer_id} now; name one", EXIT_NOT_FOUND)


@click.group("chain")
def chain() -> None:
    """Keep the certificates of a key."""


@chain.command("import")
@ISSUER
@KEY
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@REASON
def chain_import(issuer_id: str, key_id: str, file: Path) -> None:
    """
    Keep the certificates of a key.

    FILE (PEM) has its own, and those above it. The anchor is left out.
    """
    with operator_api() as api:
        from operators.issuers.views import IssuerKeyView
        from proofs import ProofError
        from server.identity.papers import GivenCertificates

        # What is between the certificates may be in any encoding; nobody reads it.
        given = GivenCertificates(certificates=file.read_text("ascii", "replace"))
        kept = api.post(f"{path_of(issuer_id, key_id)}/certificates", IssuerKeyView, given)
        _expect(api, kept, issuer_id, key_id)
        try:
            count, ends = _told_of(kept.certificates or "")
        except (ValueError, ProofError):
            api.expect(False, "what are no certificates")
        say(f"kept the certificates of {key_id} ({count}); the first to end does so {ends}")


def _told_of(pem: str) -> tuple[int, str]:
    """Return how many certificates there are, and when the first of them ends."""
    from proofs.certificates import chain_ends
    from proofs.pem import read_pem
    from wire import format_utc

    found = [der for _, der in read_pem(pem.encode())]
    return len(found), format_utc(chain_ends(found))


def machine_of(api: OperatorApi) -> str:
    """Say which machine has the files of keys that were made just now."""
    return f"the machine that answers at {api.url}, or of one behind it where that is a load balancer"


def issuer_of(api: OperatorApi, issuer_id: str) -> "IssuerView":
    from operators.issuers.views import IssuerView

    found = api.get(path_of(issuer_id), IssuerView)
    api.expect(found.id == issuer_id, "about another issuer")
    return found


def path_of(issuer_id: str, key_id: str | None = None) -> str:
    """Return the path of an issuer; with `key_id` that of its keys ("") or of one."""
    path = f"/operator/issuers/{segment(issuer_id)}"
    if key_id is None:
        return path
    return f"{path}/keys/{segment(key_id)}" if key_id else f"{path}/keys"
