"""
The members of a list that we read, in the words of ETSI TS 119 602. Pure.

What else a list has is not looked at: addresses, extensions, pointers to other lists.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

_END = r"$(?!\n)"
Utc: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z" + _END,
        description="A time in UTC (RFC 3339).",
        examples=["2026-01-31T00:00:00Z"],
    ),
]
Uri: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2_048)]

MAX_ENTITIES = 10_000
_SPELLED = {
    "lote": "LoTE",
    "lote_version_identifier": "LoTEVersionIdentifier",
    "lote_sequence_number": "LoTESequenceNumber",
    "lote_type": "LoTEType",
    "te_name": "TEName",
    "te_information_uri": "TEInformationURI",
    "x509_certificates": "X509Certificates",
}


def _spelling(name: str) -> str:
    return _SPELLED.get(name) or "".join(word.capitalize() for word in name.split("_"))


class _Members(msgspec.Struct, frozen=True, rename=_spelling):
    """Members are spelled as the standard does; unknown ones are passed over."""


class Text(msgspec.Struct, frozen=True):
    """A text in one language."""

    lang: Annotated[str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*" + _END, max_length=35)]
    value: Annotated[str, Meta(max_length=512, pattern=r"\S", description="A text that is not empty.")]


class LocalUri(msgspec.Struct, frozen=True):
    """Something to read in one language."""

    lang: str
    uri: Uri = msgspec.field(name="uriValue")


class Certificate(msgspec.Struct, frozen=True):
    """A certificate: base64 of its DER."""

    val: Annotated[str, Meta(max_length=32_768)]


Texts: TypeAlias = Annotated[list[Text], Meta(min_length=1, max_length=64)]


class Identity(_Members, frozen=True):
    """What the world knows a service by; names and key identifiers, which anybody may choose, are not read."""

    x509_certificates: Annotated[list[Certificate], Meta(max_length=100)] = []
    public_key_values: Annotated[list[dict[str, Any]], Meta(max_length=100)] = []
    other_ids: Annotated[list[Annotated[str, Meta(max_length=8_192)]], Meta(max_length=100)] = []


class Information(_Members, frozen=True):
    """A service as it is now."""

    service_digital_identity: Identity
    service_type_identifier: Uri | None = None
    service_status: Uri | None = None
    status_starting_time: Utc | None = None


class Instance(_Members, frozen=True):
    """A service as it was, from its `StatusStartingTime` on."""

    service_digital_identity: Identity
    service_status: Uri
    status_starting_time: Utc


class Service(_Members, frozen=True):
    """A service of an entity, and how it was before."""

    service_information: Information
    service_history: Annotated[list[Instance], Meta(max_length=1_000)] = []


class EntityInformation(_Members, frozen=True):
    """Who an entity is."""

    te_name: Texts
    te_information_uri: Annotated[list[LocalUri], Meta(max_length=200)] = []


class TrustedEntity(_Members, frozen=True):
    """An entity and its services."""

    trusted_entity_information: EntityInformation
    trusted_entity_services: Annotated[list[Service], Meta(min_length=1, max_length=1_000)]


class PostalAddress(_Members, frozen=True):
    """Where the operator is."""

    country: str


class OperatorAddress(_Members, frozen=True):
    """Where the operator is, by language."""

    scheme_operator_postal_address: Annotated[list[PostalAddress], Meta(max_length=200)] = []


class Scheme(_Members, frozen=True, kw_only=True):
    """Whose list it is, and from when to when."""

    lote_version_identifier: Literal[1]
    lote_sequence_number: Annotated[int, Meta(ge=1, le=2**53)]
    lote_type: Uri | None = None
    scheme_operator_name: Texts
    scheme_operator_address: OperatorAddress | None = None
    scheme_territory: Annotated[str, Meta(min_length=2, max_length=2)] | None = None
    list_issue_date_time: Utc
    next_update: Utc


class TrustedList(_Members, frozen=True):
    """A list; one without entities trusts nobody."""

    list_and_scheme_information: Scheme
    trusted_entities_list: Annotated[list[TrustedEntity], Meta(max_length=MAX_ENTITIES)] = []


class Document(_Members, frozen=True):
    """The whole document."""

    lote: TrustedList
