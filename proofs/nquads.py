"""
The canonical N-Quads of the one document shape that we handle as RDF: a status list credential. Pure.

RDF Dataset Canonicalization (RDFC-1.0) of a BitstringStatusListCredential under the context
`https://www.w3.org/ns/credentials/v2`, as a template: at most one blank node occurs, so its canonical label
is `_:c14n0` and what is left is to sort the lines. Golden tests compare it with an RDF library.

A member or value that the template does not know is refused, never dropped: it would be unsigned.
"""

import re
from collections.abc import Iterator

from proofs.canonical import MAX_SAFE_INTEGER, JsonObject
from proofs.errors import TransformationFailed, UnsupportedCryptosuite

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"

_VC = "https://www.w3.org/2018/credentials#"
_STATUS = "https://www.w3.org/ns/credentials/status#"
_SECURITY = "https://w3id.org/security#"
_SCHEMA_ORG = "https://schema.org/"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_CREATED = "http://purl.org/dc/terms/created"

# An absolute IRI in ASCII (RFC 3986), without what N-Quads would have to escape; a blank node ("_:...") and a
# JSON-LD keyword ("@...") do not begin with a letter.
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")

# RDFC-1.0, section 4.3 (Canonical N-Quads): these escapes, \uXXXX for other controls, all else as it is.
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')
_ESCAPED_BYTES = bytes([*range(0x20), 0x7F, *b'"\\'])  # the same in UTF-8, where no other character has them
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}

Quads = Iterator[str]


def canonical_status_list(document: JsonObject) -> bytes:
    """
    Return the canonical N-Quads of a status list credential without its proof.

    Covered: `@context` (exactly v2), `id`, `type` (the two names), `issuer` (an IRI, or an object with
    nothing but `id`), `validFrom`, `validUntil`, `name`, `description`, and a `credentialSubject` with `id`
    (or without), `type`, `statusPurpose` (one or more), `encodedList`, `ttl` (an integer).

    Raises:
        UnsupportedCryptosuite: the document has anything else, or lacks `id`, `issuer` or the subject.
        TransformationFailed: a string has a lone surrogate, which UTF-8 cannot write.
    """
    _check_context(document.get("@context"))
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict):
        raise _uncovered("credentialSubject", "exactly one object")
    node = _iri("credentialSubject.id", subject["id"]) if "id" in subject else "_:c14n0"
    return _canonical({*_credential_quads(document, node), *_subject_quads(subject, node)})


def canonical_proof_options(options: JsonObject) -> bytes:
    """
    Return the canonical N-Quads of a proof's options (the proof without its value) under the v2 context.

    Raises:
        UnsupportedCryptosuite: a member other than `type`, `cryptosuite`, `verificationMethod`,
            `proofPurpose` (assertionMethod), `created`, `expires` and `id`.
        TransformationFailed: as `canonical_status_list`.
    """
    node = _iri("proof.id", options["id"]) if "id" in options else "_:c14n0"
    return _canonical({line for name, value in options.items() for line in _proof_quads(node, name, value)})


def _canonical(lines: set[str]) -> bytes:
    try:
        return "".join(sorted(lines)).encode()
    except UnicodeEncodeError:
        raise TransformationFailed("the document has no canonical N-Quads: a lone surrogate") from None


def _credential_quads(document: JsonObject, subject_node: str) -> Quads:
    node = _iri("id", document.get("id"))
    issuer = document.get("issuer")
    if isinstance(issuer, dict) and set(issuer) == {"id"}:
        issuer = issuer["id"]
    yield _quad(node, f"{_VC}issuer", _iri("issuer", issuer))
    yield _quad(node, f"{_VC}credentialSubject", subject_node)
    for name, value in document.items():
        match name:
            case "@context" | "id" | "issuer" | "credentialSubject":
                pass
            case "type":
                yield from _types(node, value)
            case "validFrom" | "validUntil":
                yield _quad(node, _VC + name, _literal(name, value, f"{_XSD}dateTime"))
            case "name" | "description":
                yield _quad(node, _SCHEMA_ORG + name, _literal(name, value))
            case _:
                raise _uncovered(name, "no such member")


def _types(node: str, value: object) -> Quads:
    if not isinstance(value, list) or sorted(map(str, value)) != [
        "BitstringStatusListCredential",
        "VerifiableCredential",
    ]:
        raise _uncovered("type", "VerifiableCredential and BitstringStatusListCredential")
    yield f"{node} {_TYPE} <{_VC}VerifiableCredential> .\n"
    yield f"{node} {_TYPE} <{_STATUS}BitstringStatusListCredential> .\n"


def _subject_quads(subject: JsonObject, node: str) -> Quads:
    if subject.get("type") not in ("BitstringStatusList", ["BitstringStatusList"]):
        raise _uncovered("credentialSubject.type", "BitstringStatusList")
    yield f"{node} {_TYPE} <{_STATUS}BitstringStatusList> .\n"
    for name, value in subject.items():
        match name:
            case "id" | "type":
                pass
            case "statusPurpose":
                for purpose in value if isinstance(value, list) else [value]:
                    yield _quad(node, _STATUS + name, _literal(name, purpose))
            case "encodedList":
                yield _quad(node, _STATUS + name, _literal(name, value, f"{_SECURITY}multibase"))
            case "ttl":
                yield _quad(node, _STATUS + name, _integer(name, value))
            case _:
                raise _uncovered(f"credentialSubject.{name}", "no such member")


def _proof_quads(node: str, name: str, value: object) -> Quads:
    match name:
        case "@context":
            _check_context(value)
        case "id":
            pass
        case "type":
            if value != "DataIntegrityProof":
                raise _uncovered("proof.type", "DataIntegrityProof")
            yield f"{node} {_TYPE} <{_SECURITY}DataIntegrityProof> .\n"
        case "proofPurpose":
            if value != "assertionMethod":
                raise _uncovered("proof.proofPurpose", "assertionMethod")
            yield _quad(node, _SECURITY + name, f"<{_SECURITY}assertionMethod>")
        case "verificationMethod":
            yield _quad(node, _SECURITY + name, _iri(name, value))
        case "cryptosuite":
            yield _quad(node, _SECURITY + name, _literal(name, value, f"{_SECURITY}cryptosuiteString"))
        case "created":
            yield _quad(node, _CREATED, _literal(name, value, f"{_XSD}dateTime"))
        case "expires":
            yield _quad(node, f"{_SECURITY}expiration", _literal(name, value, f"{_XSD}dateTime"))
        case _:
            raise _uncovered(f"proof.{name}", "no such member")


def _check_context(context: object) -> None:
    if context != [CREDENTIALS_V2]:
        raise _uncovered("@context", f'["{CREDENTIALS_V2}"]')


def _quad(node: str, predicate: str, term: str) -> str:
    return f"{node} <{predicate}> {term} .\n"


def _iri(name: str, value: object) -> str:
    if not isinstance(value, str) or _IRI.fullmatch(value) is None:
        raise _uncovered(name, "an absolute IRI in ASCII")
    return f"<{value}>"


def _literal(name: str, value: object, datatype: str | None = None) -> str:
    if not isinstance(value, str):
        raise _uncovered(name, "a string")
    encoded = value.encode(errors="surrogatepass")
    is_plain = len(encoded.translate(None, _ESCAPED_BYTES)) == len(encoded)  # so are lists, which are long
    escaped = value if is_plain else _ESCAPED.sub(_escape, value)
    return f'"{escaped}"^^<{datatype}>' if datatype else f'"{escaped}"'


def _integer(name: str, value: object) -> str:
    if type(value) is not int or abs(value) > MAX_SAFE_INTEGER:
        raise _uncovered(name, "an integer within 2^53")
    return f'"{value}"^^<{_XSD}integer>'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"\\u{ord(found[0]):04X}")


def _uncovered(name: str, expected: str) -> UnsupportedCryptosuite:
    return UnsupportedCryptosuite(
        f"a proof over RDF is verified here only for status lists in their plain shape: {name[:80]!r} is not "
        f"covered (expected {expected}); ask the issuer for a suite with jcs in its name, or application/vc+jwt"
    )
