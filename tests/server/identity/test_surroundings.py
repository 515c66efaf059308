"""Which DIDs an issuer may bring along."""

import pytest

from server.identity.surroundings import Surroundings
from server.settings import Settings
from wire import BadRequest, Refusal

SURROUNDINGS = Surroundings(Settings())
KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


@pytest.mark.parametrize(
    "did", ["did:web:bank.example", "did:webvh:QmScid:bank.example", "did:ebsi:zvHWX359A3C"]
)
def test_a_did_whose_document_somebody_writes_may_be_brought_along(did: str) -> None:
    SURROUNDINGS.check_foreign(did)


@pytest.mark.parametrize("did", [KEY, "did:jwk:eyJrdHkiOiJPS1AifQ"])
def test_a_did_that_is_a_key_is_refused_with_what_is_possible_instead(did: str) -> None:
    """It could never activate a key of ours: its document has its own one alone."""
    with pytest.raises(
        BadRequest, match=r"its document can list none that is made here.*did:web or did:webvh"
    ):
        SURROUNDINGS.check_foreign(did)


@pytest.mark.parametrize(
    "did",
    [
        "bank.example",
        "did:web:localhost%3A8000",
        "did:web:localhost%3A8000:issuers:x",
        "did:web:localhost%3a8000:issuers:x",
        "did:web:LOCALHOST%3A8000:issuers:x",
        "did:web:l%6Fcalhost%3A8000",
    ],
)
def test_no_did_and_those_under_our_host_are_refused(did: str) -> None:
    with pytest.raises(Refusal):
        SURROUNDINGS.check_foreign(did)


@pytest.mark.parametrize("did", ["did:web:localhost", "did:web:LOCALHOST%3A443:issuers:x"])
def test_a_host_with_the_port_of_https_is_ours_without_it_too(did: str) -> None:
    with pytest.raises(BadRequest, match="lies under our host"):
        Surroundings(Settings(public_url="https://localhost")).check_foreign(did)


@pytest.mark.parametrize(
    ("did", "spelling"),
    [
        ("did:web:BANK.example", "did:web:bank.example"),
        ("did:web:bank.example%3A443", "did:web:bank.example"),
        ("did:web:bank.example%3a8443:a", "did:web:bank.example%3A8443:a"),
        ("did:web:bank.example:%61", "did:web:bank.example:a"),
    ],
)
def test_one_did_in_two_spellings_is_not_two_issuers(did: str, spelling: str) -> None:
    SURROUNDINGS.check_foreign(spelling)

    with pytest.raises(BadRequest, match=f"spell it {spelling}$"):
        SURROUNDINGS.check_foreign(did)
