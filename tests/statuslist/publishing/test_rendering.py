"""The self-check before publication: each thing it must see, shown to it."""

from typing import Any

import msgspec
import pytest

from credentials.forms.vc_jwt import read_token
from proofs import Algorithm, KeySigner, sign_compact
from statuslist.errors import SelfCheckFailed
from statuslist.formats.bitstring import with_statuses
from statuslist.formats.forms import DATA_INTEGRITY, JWT
from statuslist.publishing import artefacts
from statuslist.publishing.policy import Policy
from statuslist.publishing.rendering import ListContent, Rendered, render
from statuslist.publishing.self_check import check_rendered
from tests.proofs.documents import KEYS
from tests.statuslist.wing import BASE_URL, KEY_ID, signer_for

NOW = 1_800_000_000_000_000
POLICY = Policy(base_url=BASE_URL)
SIGNER = signer_for("acme")
SUITES = {
    (Algorithm.ED25519, "eddsa-rdfc-2022"): "eddsa-rdfc-2022",
    (Algorithm.ED25519, "eddsa-jcs-2022"): "eddsa-jcs-2022",
    (Algorithm.P256, "eddsa-rdfc-2022"): "ecdsa-rdfc-2019",
    (Algorithm.P256, "eddsa-jcs-2022"): "ecdsa-jcs-2019",
    (Algorithm.P384, "eddsa-rdfc-2022"): "ecdsa-rdfc-2019",
    (Algorithm.P384, "eddsa-jcs-2022"): "ecdsa-jcs-2019",
}


def content_of(*revoked: int, length: int = 131_072, **overrides: Any) -> ListContent:
    bits = with_statuses(length, ((index, 1) for index in revoked))
    values: dict[str, Any] = {
        "list_id": "badges-revocation",
        "set_id": "badges",
        "issuer_id": "acme",
        "version": 2,
        "purpose": "revocation",
        "bits": bits,
        "digest": artefacts.content_of(bits),
        "entry_bits": 1,
        "profile": "default",
    }
    return ListContent(**values | overrides)


def rendered_of(*revoked: int, signer: KeySigner = SIGNER, **overrides: Any) -> Rendered:
    return render(content_of(*revoked, **overrides), signer, POLICY, now=NOW)


def check(rendered: Rendered, previous: Rendered | None = None, before: ListContent | None = None) -> None:
    published = previous.artefacts[0] if previous is not None else None
    check_rendered(rendered, published, SIGNER, KEY_ID, POLICY, now=NOW, before=before)


def test_good_version_passes_first_and_after_another() -> None:
    check(rendered_of(1))
    check(rendered_of(1, 94_567), rendered_of(1))


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("cryptosuite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_the_key_decides_on_the_suite_and_the_setting_on_the_transformation(
    algorithm: Algorithm, cryptosuite: str
) -> None:
    signer = KeySigner(KEYS[algorithm], SIGNER.verification_method)
    policy = Policy(base_url=BASE_URL, cryptosuite=cryptosuite)
    first, again = (render(content_of(1), signer, policy, now=NOW) for _ in range(2))
    bodies = {artefact.form: artefact.body for artefact in first.artefacts}
    proof = msgspec.json.decode(bodies[DATA_INTEGRITY])["proof"]
    token = read_token(bodies[JWT], max_bytes=1_000_000)

    check_rendered(first, None, signer, KEY_ID, policy, now=NOW)

    assert first == again
    assert proof["cryptosuite"] == SUITES[algorithm, cryptosuite]
    assert token.jws.algorithm == algorithm.jose


def test_a_policy_is_the_same_as_before_there_were_other_keys() -> None:
    """Lists of a database of 0.2.0 are not signed anew for that: the digest is the one that it wrote."""
    assert POLICY.digest == "420d9cc9b44a0271"


def test_token_names_its_issuer_for_readers_of_jwts_too() -> None:
    """did-jwt refuses a token without `iss`."""
    artefacts = {artefact.form: artefact for artefact in rendered_of(1).artefacts}
    token = read_token(artefacts[JWT].body, max_bytes=1_000_000)

    assert token.document["iss"] == token.document["issuer"] == SIGNER.controller
    assert "iss" not in msgspec.json.decode(artefacts[DATA_INTEGRITY].body)


def test_token_whose_iss_is_another_is_seen() -> None:
    rendered = rendered_of(1)
    payload = read_token(rendered.artefacts[1].body, max_bytes=1_000_000).document | {
        "iss": "did:web:x.example"
    }
    body = sign_compact(msgspec.json.encode(payload), header={"typ": "vc+jwt"}, signer=SIGNER)
    wrong = msgspec.structs.replace(rendered.artefacts[1], body=body)

    with pytest.raises(SelfCheckFailed, match="iss"):
        check(msgspec.structs.replace(rendered, artefacts=(rendered.artefacts[0], wrong)))


def test_lost_revocation_is_seen() -> None:
    with pytest.raises(SelfCheckFailed, match="1 published revocations"):
        check(rendered_of(2, 3), rendered_of(1, 2))


@pytest.mark.parametrize("before", [content_of(1, 2), content_of(2, 3), content_of(2)])
def test_what_the_list_said_before_is_believed_only_if_it_is_what_was_published(before: ListContent) -> None:
    with pytest.raises(SelfCheckFailed, match="1 published revocations"):
        check(rendered_of(2, 3), rendered_of(1, 2), before)


def test_what_was_published_is_not_expanded_again_where_it_is_known() -> None:
    published = rendered_of(1, 2)
    unreadable = msgspec.structs.replace(published.artefacts[0], body=b"")
    previous = msgspec.structs.replace(published, artefacts=(unreadable,))

    check(rendered_of(1, 2, 3), previous, content_of(1, 2))
    with pytest.raises(SelfCheckFailed, match="1 published revocations"):
        check(rendered_of(2, 3), previous, content_of(1, 2))


def test_lifted_suspension_is_none() -> None:
    check(rendered_of(purpose="suspension"), rendered_of(7, purpose="suspension"))


def test_other_length_than_before_is_seen() -> None:
    with pytest.raises(SelfCheckFailed, match="were published"):
        check(rendered_of(1, length=262_144), rendered_of(1))


@pytest.mark.parametrize("form", [0, 1])
def test_form_that_says_something_else_than_the_rows_is_seen(form: int) -> None:
    forms = list(rendered_of(1).artefacts)
    forms[form] = rendered_of(1, 2).artefacts[form]
    mixed = msgspec.structs.replace(rendered_of(1), artefacts=tuple(forms))

    with pytest.raises(SelfCheckFailed, match="its bits are not those of the rows"):
        check(mixed)


@pytest.mark.parametrize("form", [0, 1])
def test_signature_of_another_key_is_seen(form: int) -> None:
    forms = list(rendered_of(1).artefacts)
    forms[form] = rendered_of(1, signer=signer_for("default")).artefacts[form]
    mixed = msgspec.structs.replace(rendered_of(1), artefacts=tuple(forms))

    with pytest.raises(SelfCheckFailed):
        check(mixed)


@pytest.mark.parametrize("form", [0, 1])
def test_flipped_byte_is_seen(form: int) -> None:
    forms = list(rendered_of(1).artefacts)
    body = forms[form].body
    middle = len(body) // 2
    flipped = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    forms[form] = msgspec.structs.replace(forms[form], body=flipped)
    damaged = msgspec.structs.replace(rendered_of(1), artefacts=tuple(forms))

    with pytest.raises(SelfCheckFailed):
        check(damaged)


def test_list_of_another_set_is_seen() -> None:
    other = rendered_of(1, list_id="diplomas-revocation")
    forms = [msgspec.structs.replace(form, list_id="badges-revocation") for form in other.artefacts]
    swapped = msgspec.structs.replace(rendered_of(1), artefacts=tuple(forms))

    with pytest.raises(SelfCheckFailed, match="its url is not"):
        check(swapped)
