"""
One version of a list: from its bits to the signed bytes of each form. Pure.

Same content, key and time give the same bytes, where the key is in memory: such signatures are deterministic, and
none carries a time of its own.
"""

import msgspec

from proofs import Signer
from statuslist.formats.bitstring import compress
from statuslist.formats.compression import smaller_gzip
from statuslist.formats.forms import (
    BITSTRING_FORMS,
    MEDIA_TYPES,
    TOKEN_CWT,
    TOKEN_FORMS,
    FormName,
    list_id_of,
    token_list_id_of,
)
from statuslist.formats.profiles import PROFILES, ProfileName, check_key
from statuslist.formats.purposes import REVOCATION, SUSPENSION
from statuslist.formats.token_bits import Width, compressed, token_bits
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.policy import Policy
from statuslist.publishing.projections import Projection
from statuslist.publishing.securing import Said, secured
from statuslist.publishing.set_versions import SetContent
from wire import etag_of

SKEW_SECONDS = 60  # how far a verifier's clock may lag ours; validFrom is back-dated by it


class ListContent(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one list of a set says.

    Attributes:
        purpose: of a W3C list; None: it is the token list.
        bits: packed as its standard has it; `entry_bits` of them for each entry.
        digest: `content_of` the bits.
        profile: how the header of a token list names its key.
    """

    list_id: str
    set_id: str
    issuer_id: str
    version: int
    purpose: str | None
    bits: bytes
    digest: str
    entry_bits: Width
    profile: ProfileName

    @property
    def forms(self) -> tuple[FormName, ...]:
        return TOKEN_FORMS if self.purpose is None else BITSTRING_FORMS


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The forms of one version of a list, and what each of them must say."""

    content: ListContent
    artefacts: tuple[Artefact, ...]


def lists_of(content: SetContent, projection: Projection) -> tuple[ListContent, ...]:
    """
    Return the lists of a set: one of the W3C for each purpose, and the token list where the set has one.

    An entry of a token list has one value: two bits where there is suspension beside revocation, else one. Who is
    revoked is that and nothing else (Token Status List, section 7).
    """
    lists = [
        _list(
            content, projection, list_id_of(content.set_id, purpose), purpose, projection.bits_of(purpose), 1
        )
        for purpose in content.purposes
    ]
    if content.has_tokens:
        revoked = projection.bits_of(REVOCATION) if REVOCATION in content.purposes else None
        suspended = projection.bits_of(SUSPENSION) if SUSPENSION in content.purposes else None
        bits = token_bits(revoked or bytes(content.length // 8), suspended)
        lists.append(
            _list(
                content,
                projection,
                token_list_id_of(content.set_id),
                None,
                bits,
                1 if suspended is None else 2,
            )
        )
    return tuple(lists)


def _list(
    content: SetContent,
    projection: Projection,
    list_id: str,
    purpose: str | None,
    bits: bytes,
    entry_bits: Width,
) -> ListContent:
    return ListContent(
        list_id=list_id,
        set_id=content.set_id,
        issuer_id=content.issuer_id,
        version=content.version,
        purpose=purpose,
        bits=bits,
        digest=projection.digest_of(list_id, bits),
        entry_bits=entry_bits,
        profile=content.profile,
    )


def render(content: ListContent, signer: Signer, policy: Policy, *, now: int) -> Rendered:
    """
    Build every form of a list's version; `with_gzip` is for later, once they are checked.

    Bitstring Status List v1.0, sections 3.1 (Generate Algorithm) and 3.3 (Bitstring Generation Algorithm); Token
    Status List (draft-21), sections 4 and 5.

    Args:
        now: microseconds since 1970.

    Raises:
        ProfileNotMet: the key is not one that the profile of a token list asks for.
        SignerAway: the signer cannot sign just now.
    """
    profile = PROFILES[content.profile]
    if content.purpose is None:
        check_key(profile, signer.algorithm, has_certificates=bool(signer.certificates))
    second = now // 1_000_000 * 1_000_000
    said = Said(
        list_id=content.list_id,
        issuer_id=content.issuer_id,
        purpose=content.purpose,
        compressed=compressed(content.bits) if content.purpose is None else compress(content.bits),
        entry_bits=content.entry_bits,
        valid_from=second - SKEW_SECONDS * 1_000_000,
        valid_until=second + policy.validity_seconds * 1_000_000,
    )
    bodies = {form: secured(said, form, signer, policy, profile) for form in content.forms}
    return Rendered(
        content=content,
        artefacts=tuple(
            Artefact(
                list_id=content.list_id,
                set_id=content.set_id,
                version=content.version,
                form=form,
                media_type=MEDIA_TYPES[form],
                body=body,
                gzip=None,
                etag=etag_of(body, MEDIA_TYPES[form]),
                content=content.digest,
                valid_from=said.valid_from,
                valid_until=said.valid_until,
                policy=policy.digest,
            )
            for form, body in bodies.items()
        ),
    )


def with_gzip(artefact: Artefact) -> Artefact:
    """Return a form with its body as GZIP where that is smaller; the bytes of a CWT are compressed ones already."""
    if artefact.form == TOKEN_CWT:
        return artefact
    return msgspec.structs.replace(artefact, gzip=smaller_gzip(artefact.body))
