"""
The rules of the document linter, one function each; `findings_of` lists them. Pure.

Decentralized Identifiers v1.1 and Controlled Identifiers v1.0 (CID), section 2. A rule takes any JSON: what has
another shape than it expects is passed over, since another rule, or the reading of documents, speaks of shapes.
"""

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from resolver.did import parse_did
from resolver.documents.document import (
    DID_V1,
    DID_V1_1,
    SIGNATURE_RELATIONSHIPS,
    are_equal,
    maps_of,
    refuse_secrets_in,
)
from resolver.errors import (
    InvalidDid,
    InvalidDidDocument,
    KeyRefused,
    KeyTypeUnsupported,
    SecretKeyFound,
)
from resolver.keys.multikey import JWK_TYPES, decode_multikey, public_key_of
from resolver.lint.omissions import omissions
from resolver.lint.subject import (
    Finding,
    Part,
    Severity,
    Subject,
    child,
    did_of,
    maps_with_pointers,
    moment_of,
    name_of,
    subject_of,
    types_of,
)
from resolver.lint.terms import CONTEXTS, MAX_INNER_BYTES, Terms, terms_in, terms_of
from resolver.results import JsonObject
from wire import encode

Rule = Callable[[Subject], Iterator[Finding]]

# Types whose keys `public_key_of` reads.
_READ_TYPES = frozenset(
    {"Multikey", "JsonWebKey", "JsonWebKey2020", "Ed25519VerificationKey2020", "X25519KeyAgreementKey2020"}
)
_BASE58_TYPES = frozenset({"Ed25519VerificationKey2018", "X25519KeyAgreementKey2019"})
# What a JWK may be that we do not check: curves that are registered for JOSE (RFC 8037), or that others write with
# the names of drafts (BLS12-381) or of COSE (brainpool). Any other is a mistake. AKP (ML-DSA) has no crv.
_BRAINPOOL = ("brainpoolP256r1", "brainpoolP320r1", "brainpoolP384r1", "brainpoolP512r1")
_BLS = ("BLS12381G1", "BLS12381G2", "BLS12381_G1", "BLS12381_G2")
_RARE_CURVES = frozenset(
    {("OKP", "Ed448"), ("OKP", "X448"), ("AKP", None), *(("EC", name) for name in _BRAINPOOL + _BLS)}
)
# A hash of a key, as in did:pkh.
_ACCOUNT_TYPES = frozenset(
    {
        "EcdsaSecp256k1RecoveryMethod2020",
        "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
        "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
    }
)
# Types that newer ones have replaced; W3C, Verification Method property extensions.
_OLD_TYPES = frozenset(
    {
        "Bls12381G1Key2020",
        "Bls12381G2Key2020",
        "EcdsaSecp256k1VerificationKey2019",
        "EcdsaSecp256r1VerificationKey2019",
        "Ed25519VerificationKey2018",
        "JwsVerificationKey2020",
        "P256Key2021",
        "RsaVerificationKey2018",
        "Secp256k1VerificationKey2018",
        "X25519KeyAgreementKey2019",
    }
)


def findings_of(
    document: JsonObject,
    *,
    now: float | None = None,
    max_keys: int | None = None,
    is_accepted: bool = False,
) -> Iterator[Finding]:
    """
    Yield the findings of every rule; at most `max_keys` keys are decoded.

    `is_accepted` tells that `read_document` has accepted the document: then less has to be asked.
    """
    did = document.get("id")
    if not isinstance(did, str) or not _is_did(did):
        detail = "the document has no DID as its id" + _WHAT_IS_NONE * isinstance(did, str)
        yield Finding("no-did", "/id", Severity.ERROR, detail, "set id to the DID")
        return
    subject = subject_of(document, did, now=now, max_keys=max_keys)
    for rule in RULES_FOR_ACCEPTED if is_accepted else RULES:
        yield from rule(subject)


_WHAT_IS_NONE = ": did:<method>:<identifier> in the characters of DID v1.1, without path, query or fragment"


def _is_did(text: str) -> bool:
    try:
        parse_did(text)
    except InvalidDid:
        return False
    return True


def _private_keys(subject: Subject) -> Iterator[Finding]:
    """CID, section 2.2: a secret key is never part of a document."""
    told: set[str] = set()
    for pointer, found, is_context in maps_with_pointers(subject.document):
        if pointer.rpartition("/")[0] in told:
            continue  # A JWK in a method that has been told of.
        try:
            refuse_secrets_in(found, is_context=is_context)
        except SecretKeyFound as error:
            told.add(pointer)
            advice = "take it out, and replace the key: it is known to everybody now"
            yield Finding("private-key", pointer, Severity.ERROR, error.detail, advice)
        except InvalidDidDocument:
            continue  # Of the wrong shape of a public key: `_keys` tells, or the refusal itself.


def _duplicate_ids(subject: Subject) -> Iterator[Finding]:
    """CID, sections 2.1.4 and 2.2; one and the same method may be embedded in several properties."""
    for things in (subject.methods, subject.services):
        first: dict[str, Part] = {}
        placed: set[tuple[str, str]] = set()
        for thing in things:
            if (own_id := thing.absolute_id(subject.did)) is None:
                continue
            is_again = (thing.member, own_id) in placed
            if is_again or not are_equal(thing.value, first.setdefault(own_id, thing).value, subject.did):
                detail, advice = "another one has this id, too", "give each an id of its own"
                yield Finding("duplicate-id", f"{thing.pointer}/id", Severity.ERROR, detail, advice)
            placed.add((thing.member, own_id))


def _dangling_references(subject: Subject) -> Iterator[Finding]:
    """A reference below this DID to a method that is not there; those to other documents cannot be judged."""
    ids = {part.absolute_id(subject.did) for part in (*subject.methods, *subject.legacy_methods)}
    for reference in subject.references:
        target, pointer = reference.target, reference.pointer
        if target.startswith(f"{subject.did}#") and target not in ids:
            detail, advice = (
                "there is no verification method with this id",
                "add the method, or drop the reference",
            )
            yield Finding("dangling-reference", pointer, Severity.ERROR, detail, advice)
        elif ":" not in target:
            detail = "the reference is neither a DID URL nor begins with #"
            yield Finding("dangling-reference", pointer, Severity.ERROR, detail, f"write {subject.did}#...")


def _keys(subject: Subject) -> Iterator[Finding]:
    """Keys that do not decode, and keys in a relationship that their curve cannot serve."""
    signing = {item.target for item in subject.references if item.relationship in SIGNATURE_RELATIONSHIPS}
    read = [method for method in subject.methods if _is_read(method)]
    for method in read[: subject.max_keys]:
        try:
            key = public_key_of(method.value)
        except InvalidDidDocument as error:
            if not _has_secret(method):
                yield _unreadable_key(method, error.detail)
            continue
        signs = method.relationship in SIGNATURE_RELATIONSHIPS or method.absolute_id(subject.did) in signing
        if signs and isinstance(key, X25519PublicKey):
            detail = "the key can agree on secrets, and cannot sign"
            yield Finding(
                "unusable-relationship",
                method.pointer,
                Severity.WARNING,
                detail,
                "list it in keyAgreement only",
            )


def _has_secret(method: Part) -> bool:
    """Tell whether `_private_keys` has told of a method: one fault is told once."""
    try:
        for found in maps_of(method.value):
            refuse_secrets_in(found)
    except SecretKeyFound:
        return True
    except InvalidDidDocument:
        return False
    return False


def _dates(subject: Subject) -> Iterator[Finding]:
    """CID, section 2.2: `expires` and `revoked` are dateTimeStamps; past them the key must not be used."""
    for method in subject.methods:
        for name in ("expires", "revoked"):
            if method.value.get(name) is None:
                continue
            pointer = f"{method.pointer}/{name}"
            try:
                moment = moment_of(method.value[name])
            except ValueError as error:
                advice = "write it as 2026-01-31T12:00:00Z"
                yield Finding("malformed-date", pointer, Severity.WARNING, str(error), advice)
                continue
            if subject.now is not None and moment <= subject.now:
                advice = "use another key; this one is kept for old proofs at most"
                yield Finding(
                    f"{_PAST[name]}-key", pointer, Severity.WARNING, f"the key is {_PAST[name]}", advice
                )


_PAST = {"expires": "expired", "revoked": "revoked"}


def _types(subject: Subject) -> Iterator[Finding]:
    """Types that are old or not known. Those of did:pkh the method settles, and nobody can change them."""
    if subject.did.startswith("did:pkh:"):
        return
    for method in subject.methods:
        kind, pointer = method.kind, f"{method.pointer}/type"
        if kind in _OLD_TYPES:
            detail, advice = f"{kind} has been replaced", "new software reads Multikey or JsonWebKey"
            yield Finding("superseded-type", pointer, Severity.HINT, detail, advice)
        elif kind and kind not in _READ_TYPES | _ACCOUNT_TYPES:
            detail = f"the type {name_of(kind)} is not known here"
            yield Finding("unknown-type", pointer, Severity.WARNING, detail, "use Multikey or JsonWebKey")


def _controllers(subject: Subject) -> Iterator[Finding]:
    """CID, section 3.3, steps 9 and 10: a verifier refuses a method of another document."""
    for method in subject.methods:
        own_id = method.absolute_id(subject.did)
        if own_id is not None and own_id.startswith("did:") and did_of(own_id) != subject.did:
            detail, advice = "the id lies under another DID", f"write {subject.did}#..."
            yield Finding("foreign-method", f"{method.pointer}/id", Severity.WARNING, detail, advice)
        controller = method.value.get("controller")
        if controller not in (None, "", subject.did):
            detail = "the controller is not the DID of this document"
            advice = f"write {subject.did}, unless another party really controls the key"
            yield Finding(
                "foreign-controller", f"{method.pointer}/controller", Severity.WARNING, detail, advice
            )


def _legacy_members(subject: Subject) -> Iterator[Finding]:
    if "publicKey" in subject.document:
        detail, advice = "publicKey was dropped before DID v1.0", "move its items to verificationMethod"
        yield Finding("legacy-public-key", "/publicKey", Severity.WARNING, detail, advice)


def _contexts(subject: Subject) -> Iterator[Finding]:
    """DID v1.1, section 6 (`@context`): the first is that of DIDs; the others define what else is used."""
    context = subject.document.get("@context")
    if context is None:
        detail, advice = (
            "there is no @context: JSON-LD software reads nothing",
            f"begin @context with {DID_V1_1}",
        )
        yield Finding("no-context", "", Severity.HINT, detail, advice)
        return
    first = context[0] if isinstance(context, list) and context else context
    if first not in (DID_V1, DID_V1_1):
        detail, advice = "the first context is not that of DID documents", f"begin @context with {DID_V1_1}"
        yield Finding("context-order", "/@context", Severity.WARNING, detail, advice)
    yield from _unknown_contexts("", terms_of(context))


def _unknown_contexts(pointer: str, terms: Terms) -> Iterator[Finding]:
    for position in terms.unknown:
        detail = "a context that is not known here: its terms, and all others, were not checked"
        where, advice = f"{pointer}/@context/{position}", "make sure it is fixed"
        yield Finding("unknown-context", where, Severity.HINT, detail, advice)


def _terms(subject: Subject) -> Iterator[Finding]:
    """
    Terms without a definition: JSON-LD software drops them without a word, or refuses the document.

    Of services of did:peer:2 nothing is said: the method settles the contexts, and nobody can add one.
    """
    if (context := subject.document.get("@context")) is None:
        return
    terms = terms_of(context)
    yield from _undefined_members("", subject.document, terms)
    parts = subject.methods if subject.did.startswith("did:peer:2") else subject.parts
    if sum(len(encode(part.value.get("@context"))) for part in parts) > MAX_INNER_BYTES:
        return
    inner = [(part, terms_in(part.value, part.member, terms)) for part in parts]
    for part, defined in inner:
        yield from _undefined_members(part.pointer, part.value, defined)
        if "@context" in part.value:
            yield from _unknown_contexts(part.pointer, defined)
    for part, defined in inner:
        yield from _undefined_types(part, defined)


def _undefined_members(pointer: str, found: JsonObject, terms: Terms) -> Iterator[Finding]:
    kinds = types_of(found)
    for member in found:
        if terms.defines(member, kinds) or (member == "publicKey" and not pointer):
            continue  # Of publicKey a rule of its own speaks.
        detail, where = f"no context defines {name_of(member)} here", child(pointer, member)
        yield Finding("undefined-term", where, Severity.WARNING, detail, _context_for(member, kinds))


def _undefined_types(part: Part, terms: Terms) -> Iterator[Finding]:
    severity = Severity.HINT if part.member == "service" else Severity.WARNING
    for kind in types_of(part.value):
        if not terms.defines_type(kind):
            detail, advice = f"no context defines the type {name_of(kind)}", _context_for(kind, [kind])
            yield Finding("undefined-type", f"{part.pointer}/type", severity, detail, advice)


def _omissions(subject: Subject) -> Iterator[Finding]:
    """What resolvers here leave out of the document, and others refuse it for."""
    yield from omissions(subject.document)


def _relative_ids(subject: Subject) -> Iterator[Finding]:
    """
    did:web, section Create: DID URLs in the document are absolute; not all software makes them so.

    did:peer demands relative ones.
    """
    if subject.did.startswith("did:peer:"):
        return
    for thing in (*subject.methods, *subject.services):
        own_id = thing.value.get("id")
        if isinstance(own_id, str) and ":" not in own_id.partition("#")[0]:
            yield _relative(f"{thing.pointer}/id", subject.did)
    for reference in subject.references:
        if reference.text != reference.target:
            yield _relative(reference.pointer, subject.did)


def _unused_methods(subject: Subject) -> Iterator[Finding]:
    used: set[str | None] = {reference.target for reference in subject.references}
    used |= {method.absolute_id(subject.did) for method in subject.methods if method.relationship}
    for method in subject.methods:
        if not method.relationship and method.absolute_id(subject.did) not in used:
            detail, advice = (
                "the key serves no purpose",
                "refer to it from assertionMethod, authentication, ...",
            )
            yield Finding("unused-method", method.pointer, Severity.HINT, detail, advice)


# In the order of gravity: what is bounded in number keeps the first.
RULES: tuple[Rule, ...] = (
    _private_keys,
    _duplicate_ids,
    _dangling_references,
    _keys,
    _dates,
    _legacy_members,
    _controllers,
    _omissions,
    _types,
    _contexts,
    _terms,
    _relative_ids,
    _unused_methods,
)
# Those that can still find something in a document that `read_document` accepted, and worse than a hint.
RULES_FOR_ACCEPTED = tuple(
    rule for rule in RULES if rule not in (_private_keys, _duplicate_ids, _omissions, _unused_methods)
)


def _relative(pointer: str, did: str) -> Finding:
    detail, advice = "relative: not all software makes it absolute", f"write {did}#..."
    return Finding("relative-id", pointer, Severity.WARNING, detail, advice)


def _context_for(term: str, kinds: list[str]) -> str:
    """Return the advice to add a context that defines `term` in a map of these types, where we know one."""
    for url, terms in CONTEXTS.items():
        is_extension = "verificationMethod" not in terms.anywhere
        if is_extension and not terms.by_type.keys().isdisjoint(kinds) and terms.defines(term, kinds):
            return f"add {url} to @context"
    return "add a context that defines it to @context, or take it out"


def _is_read(method: Part) -> bool:
    """Tell whether `public_key_of` reads such a method; those of 2018 and 2019 have other forms of key as well."""
    return method.kind in _READ_TYPES or (method.kind in _BASE58_TYPES and "publicKeyBase58" in method.value)


def _unreadable_key(method: Part, reason: str) -> Finding:
    if _is_of_rare_type(method.value):
        detail, advice = "a key of a type that is not checked here", "make sure that verifiers know it"
        return Finding("unchecked-key", method.pointer, Severity.HINT, detail, advice)
    advice = "write the public key in the form of its type"
    return Finding("undecodable-key", method.pointer, Severity.ERROR, reason, advice)


def _is_of_rare_type(method: JsonObject) -> bool:
    """Tell whether a key is of a type that is experimental, or known by its name or code at most."""
    if method.get("type") in JWK_TYPES and isinstance(jwk := method.get("publicKeyJwk"), dict):
        names = (jwk.get("kty"), jwk.get("crv"))
        return all(isinstance(name, str | None) for name in names) and names in _RARE_CURVES
    try:
        if method.get("type") == "Multikey" and isinstance(
            multibase := method.get("publicKeyMultibase"), str
        ):
            decode_multikey(multibase)  # Experimental ones it refuses unchecked: the check of one takes 2 ms.
            return True  # One that can be decoded, and was not loaded.
    except KeyTypeUnsupported:
        return True
    except KeyRefused:
        return False
    return False
