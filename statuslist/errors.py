"""
What can be wrong with a status list, split by who must act. Pure.

    StatusListError                      a caller may read the message
    |   the caller must act
    +-- RangeError                422    RANGE_ERROR (VCDM 2.0): the index lies outside the list
    +-- UnknownPurpose            422    not a purpose that we publish
    +-- NotAllocated              404    no credential was given that index
    +-- IrreversibleStatus        409    a revocation is final
    +-- ListFull                  409    fewer indices are left than asked for
    |   +-- SetClosed             409    a restore closed the set
    +-- EntryReleased             409    a released entry has no status
    +-- EntryInUse                409    whose status was ever changed was issued, and is not released
    +-- ReferenceTaken            409    another entry of the set has that reference, for the same format
    +-- NoTokenList               409    the set was made without a token list
    +-- TooManyEntries        409    the lists of the issuer have as many entries as one issuer may have
    +-- PositionUnknown           410    nothing was published at that position, nor beyond it
    +-- NoListAtOwnUrl            422    STATUS_RETRIEVAL_ERROR: below our URL, and no list's permanent URL
    +-- EntryNotOfList            422    STATUS_VERIFICATION_ERROR: not the purpose or size of our list
    +-- ListOfAnotherTime         422    STATUS_VERIFICATION_ERROR: says nothing of the time that is asked about
    |   we must act
    +-- ListNotPublished          503    STATUS_RETRIEVAL_ERROR: our list, not signed yet
    +-- ReferencesUnavailable     503    the key of the references is not there, or another one
    |   the party that publishes the list must act
    +-- MalformedStatusList       502    MALFORMED_VALUE_ERROR (VCDM 2.0): a property of the list
    +-- StatusRetrievalError      502    STATUS_RETRIEVAL_ERROR: the list could not be fetched
    +-- StatusVerificationError   502    STATUS_VERIFICATION_ERROR: a proof, the window, the purpose, the id
    +-- StatusListLengthError     502    STATUS_LIST_LENGTH_ERROR: too few entries for group privacy
    +-- StatusListTooLarge        502    over our cap

    SelfCheckFailed                      we must act: what we were about to publish is wrong
    NoSigningKey                         the operator must act: no key of an issuer signs
    ProfileNotMet                        the operator must act: the key cannot sign as the set's profile asks

Bitstring Status List v1.0 (W3C REC, 2025-05-15), section 3.5 (Processing Errors), gives the codes and URIs.
"""

from credentials.errors import VCDM_NS, CredentialError, MalformedValue

STATUS_LIST_NS = "https://www.w3.org/ns/credentials/status-list#"


class StatusListError(CredentialError):
    """An error about a status list that a caller may be told."""


class MalformedStatusList(
    StatusListError, MalformedValue, title="Malformed status list", status=502, fault="origin"
):
    """A property of the status list credential does not comply with the specification."""


class RangeError(StatusListError, type=VCDM_NS + "RANGE_ERROR", title="Index out of range", status=422):
    """The index lies outside the bitstring; that never means valid."""


class StatusRetrievalError(
    StatusListError,
    type=STATUS_LIST_NS + "STATUS_RETRIEVAL_ERROR",
    title="Status list not retrieved",
    status=502,
    fault="origin",
):
    """The status list credential could not be dereferenced."""


class NoListAtOwnUrl(StatusRetrievalError, status=422):
    """The URL lies below ours and is not the permanent URL of a list: not an entry of ours."""


class ListNotPublished(StatusRetrievalError, status=503, fault=""):
    """The list is ours and has not been published yet; Retry-After says when to ask again."""


class ReferencesUnavailable(StatusListError, type="/problems/references-unavailable", status=503):
    """
    The server has not the key under which the references of entries are kept, or has another one than its database
    asks for: nothing can be found by a reference, or given one. Everything else works.
    """


class StatusVerificationError(
    StatusListError,
    type=STATUS_LIST_NS + "STATUS_VERIFICATION_ERROR",
    title="Status list not verified",
    status=502,
    fault="origin",
):
    """The status list credential does not verify, is not valid now, or is not the list of the entry."""


class EntryNotOfList(StatusVerificationError, status=422):
    """The list is ours and of another purpose or size than the entry says: the entry is not as we gave it."""


class ListOfAnotherTime(StatusVerificationError, status=422):
    """The list that is published now says nothing of the time in the past that the caller asks about."""


class StatusListLengthError(
    StatusListError,
    type=STATUS_LIST_NS + "STATUS_LIST_LENGTH_ERROR",
    title="Status list too short",
    status=502,
    fault="origin",
):
    """The list has fewer entries than the minimum that group privacy needs."""


class StatusListTooLarge(StatusListError, type="/problems/status-list-too-large", status=502, fault="origin"):
    """The list expands beyond our cap (our limit, not the standard's)."""


class UnknownPurpose(
    StatusListError, type="/problems/unknown-purpose", title="Unknown status purpose", status=422
):
    """The purpose is not one that we publish."""


class NotAllocated(StatusListError, type="/problems/not-allocated", title="Index not allocated", status=404):
    """The index has not been handed out, so no credential can have that status."""


class IrreversibleStatus(StatusListError, type="/problems/irreversible-status", status=409):
    """A revocation cannot be taken back (Bitstring Status List v1.0, section 2.1; EU ARF VCR_04)."""


class ListFull(StatusListError, type="/problems/list-full", title="Status list full", status=409):
    """The status set has fewer indices left than were asked for."""


class SetClosed(ListFull, type="/problems/set-closed", title="Status set closed by a restore"):
    """
    A restore closed the status set: a backup does not tell which indices were handed out after it, so that none is
    given any more. What was issued can still be revoked; create another set for what is issued from now on.
    """


class EntryReleased(StatusListError, type="/problems/entry-released", status=409):
    """The entry was released, since no credential was issued with it: it has no status and gets none."""


class EntryInUse(StatusListError, type="/problems/entry-in-use", title="Entry in use", status=409):
    """
    The entry is revoked or suspended, or was before, so that a credential was issued with it. It cannot be
    released: revoke it instead.
    """


class ReferenceTaken(StatusListError, type="/problems/reference-taken", status=409):
    """
    An entry of this set, for the same format, has one of these references already. Find it by its reference; or
    release it, if its credential was never issued.
    """


class NoTokenList(StatusListError, type="/problems/no-token-list", status=409):
    """The set was made by an earlier release and has no token list: ask for all forms of it first."""


class TooManyEntries(StatusListError, type="/problems/too-many-entries", status=409):
    """The lists of the issuer would have more entries in all than one issuer may have."""


class PositionUnknown(StatusListError, type="/problems/position-unknown", status=410):
    """
    Nothing was published at that position yet: it is of another deployment, or of a database that is gone. What was
    published before it may be unknown to whoever holds it, so begin again without `since`.
    """


class SelfCheckFailed(Exception):
    """
    A list that we built does not say what the rows say: it is not published, the old one stays.

    Not a `Refusal`: no caller can act on it. The message goes to the log and to the alarm.
    """


class NoSigningKey(Exception):
    """
    An issuer has no active key: its one was compromised, and none was announced that could follow.

    Not a `Refusal`, as `SelfCheckFailed`.
    """


class ProfileNotMet(Exception):
    """
    The key of an issuer cannot sign as the profile of a set asks; the message says what to do.

    Not a `Refusal`, as `SelfCheckFailed`.
    """
