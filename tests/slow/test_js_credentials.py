"""Credentials that others' libraries made: we say yes, of a changed one no, and others' verifier agrees on each."""

import asyncio
import base64
import time
from typing import Any

import httpx
import pytest

from credentials.rdf.contexts import known_contexts
from tests.machine import wait_until
from tests.process import Server
from tests.slow.editors import operate
from tests.slow.issuers import add_issuer, key_of
from tests.slow.js_libraries import run_with_libraries
from verification.client import Verification, VerificationClient, VerifyRequest

pytestmark = pytest.mark.slow

ISSUER, SET = "acme", "diplomas"
TYPE, VCT = "CourseCompletionCredential", "https://education.example/credentials/course"
BINDING = {"nonce": "n-1", "audience": "https://verifier.example"}
CONTEXTS = {url: {"@context": context} for url, context in known_contexts(None).items()}
SUITES = {
    "Ed25519": ("eddsa-rdfc-2022", "eddsa-jcs-2022"),
    "P-256": ("ecdsa-rdfc-2019", "ecdsa-jcs-2019"),
}
ENTRIES = {  # by the form of a credential, the form that its entry is taken for
    "application/vc": "application/vc",
    "application/vc+jwt": "application/vc+jwt",
    "jwt_vc_json": "application/vc+jwt",
    "dc+sd-jwt": "dc+sd-jwt",
}


@pytest.mark.parametrize("algorithm", SUITES)
def test_credentials_of_others_are_relied_on_until_a_claim_is_changed(server: Server, algorithm: str) -> None:
    issued = issue(server, algorithm)
    changed = {form: with_another_claim(credential) for form, credential in issued.items()}

    told = {form: verify(server, credential) for form, credential in issued.items()}
    told_of_changed = {form: verify(server, credential) for form, credential in changed.items()}

    assert issued.keys() == {*ENTRIES, *SUITES[algorithm]} - {"application/vc"}
    assert {form: each.rely for form, each in told.items()} == dict.fromkeys(issued, True), told
    assert {each.verdicts["authentic"].verdict for each in told_of_changed.values()} == {"no"}
    assert judged(server, issued.values()) == [True] * len(issued)
    assert judged(server, changed.values()) == [False] * len(issued)


def test_a_credential_of_others_is_revoked_through_its_entry(server: Server) -> None:
    issued = issue(server, "Ed25519")
    change = {"statusPurpose": "revocation", "status": 1}
    server.operator(f"/{SET}/statuses", {"changes": [{"reference": form, **change} for form in ENTRIES]})

    for credential in issued.values():
        wait_until(lambda shown=credential: is_revoked(server, shown), "the list to be published")


def issue(server: Server, algorithm: str) -> dict[str, Any]:
    """Let a trusted issuer with a status entry for each form issue with others' libraries."""
    server.initialise("--sample")
    server.start()
    issuer = add_issuer(server, ISSUER, algorithm)
    trust(server, issuer["did"])
    server.operator("", {"id": SET, "purposes": ["revocation"], "issuerId": ISSUER})
    given = {
        "issuer": issuer["did"],
        "key": key_of(server, issuer),
        "type": TYPE,
        "vct": VCT,
        "contexts": CONTEXTS,
        "entries": {form: entry(server, form, taken_for) for form, taken_for in ENTRIES.items()},
        "binding": BINDING,
    }
    wait_until(lambda: is_published(server), "the lists to be published")
    time.sleep(
        1
    )  # Credentials tell whole seconds, and this one shall have begun after the trust in its issuer.
    issued: dict[str, Any] = run_with_libraries("issuing_forms.mjs", given)
    return issued


def trust(server: Server, did: str) -> None:
    """Let the registry know the issuer as what the sample trusts to certify courses."""
    headers = {"Authorization": f"Bearer {server.operator_key}"}
    known = httpx.get(f"{server.operator_url}/operator/registry", headers=headers).json()
    here = next(each for each in known["entities"] if each["id"] == "touchstone-here")
    here["identifiers"].append({"value": did})
    operate(server, "", known, by=server.operator_key, method="PUT")


def entry(server: Server, form: str, taken_for: str) -> Any:
    """Return what goes into a credential of a form: what `credentialStatus` says, or the claim `status`."""
    asked = {"format": taken_for, "references": [form]}
    allocated = server.operator(f"/{SET}/allocations", asked)["entries"][0]
    return allocated.get("credentialStatus") or {"status": allocated["status"]}


def is_published(server: Server) -> bool:
    paths = (f"{SET}-revocation/credential.json", f"{SET}-revocation/credential.jwt", f"{SET}/token.jwt")
    return all(httpx.get(f"{server.url}/status-lists/{path}").status_code == 200 for path in paths)


def verify(server: Server, credential: Any) -> Verification:
    binding = BINDING if isinstance(credential, str) and "~" in credential else {}

    async def ask() -> Verification:
        async with VerificationClient(server.url) as client:
            return await client.verify(VerifyRequest(credential=credential, **binding))

    return asyncio.run(ask())


def is_revoked(server: Server, credential: Any) -> bool:
    told = verify(server, credential)
    return not told.rely and told.verdicts["stillValid"].reason == "revoked"


def judged(server: Server, credentials: Any) -> list[bool]:
    """Return whether others' libraries find that the issuer signed each credential."""
    given = {
        "origin": server.url,
        "contexts": CONTEXTS,
        "credentials": list(credentials),
        "nonce": BINDING["nonce"],
    }
    found: list[bool] = run_with_libraries("judging_forms.mjs", given)
    return found


def with_another_claim(credential: Any) -> Any:
    """Return the credential about a Master of Arts; of an SD-JWT, with another disclosure."""
    if not isinstance(credential, str):
        subject = credential["credentialSubject"] | {"name": "Master of Arts"}
        return credential | {"credentialSubject": subject}
    separator = "~" if "~" in credential else "."
    first, second, rest = credential.split(separator, 2)
    return separator.join((first, _changed(second), rest))


def _changed(part: str) -> str:
    plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    assert b"Bachelor" in plain
    return base64.urlsafe_b64encode(plain.replace(b"Bachelor", b"Master")).decode().rstrip("=")
