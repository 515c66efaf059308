"""`touchstone db check` against whoever has a database shell: forms that are not what they must be are named."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from operators import IssuerKey
from statuslist.formats.compression import smaller_gzip
from statuslist.formats.forms import BITSTRING_FORMS, FORM_NAMES, TOKEN_FORMS, FormName
from statuslist.publishing.artefacts import artefacts_of_set, digest_of
from statuslist.recovery.form_inspection import said_faults
from statuslist.recovery.inspection import forms_faults
from statuslist.recovery.signature_inspection import SignatureInspection
from storage import Transaction
from tests.databases import Place
from tests.statuslist.wing import BASE_URL, KEY_ID, Wing

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]

OURS = {form: "badges" if form in TOKEN_FORMS else "badges-revocation" for form in FORM_NAMES}


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    """Return a wing with three sets that say the same, one of them of another issuer, and no rules on rows."""
    async with Wing.open(place) as opened:
        for set_id, issuer_id in (("badges", "acme"), ("diplomas", "acme"), ("theirs", "default")):
            await opened.create(set_id, issuer_id=issuer_id)
        await opened.publisher.publish_dirty()
        for table in ("list_forms", "served_list_forms"):
            for event in ("UPDATE", "DELETE"):
                place.drop_rule(table, event)
        yield opened


def public_key_of(key: IssuerKey) -> object:
    assert key.public_key is not None
    return load_der_public_key(key.public_key)


async def signature_faults(wing: Wing) -> list[str]:
    now = int(wing.clock() * 1_000_000)
    inspection = SignatureInspection(public_key_of=public_key_of, base_url=BASE_URL, now=now)
    return await inspection.faults(wing.database)


async def all_faults(wing: Wing) -> list[str]:
    return [
        *await forms_faults(wing.database),
        *await said_faults(wing.database),
        *await signature_faults(wing),
    ]


async def forms_of(wing: Wing, set_id: str) -> dict[FormName, bytes]:
    """Return the bytes of the first list of each form of a set."""
    found = await wing.database.read(partial(artefacts_of_set, set_id=set_id, after=0))
    return {each.form: each.body for each in found}


async def put(wing: Wing, form: FormName, body: bytes, *, cleanly: bool = True) -> None:
    """Put bytes in the place of a form of `badges`; cleanly: with all that the rows say of bytes."""

    def write(tx: Transaction) -> None:
        where = {"list_id": OURS[form], "form": form}
        of = "WHERE list_id = :list_id AND form = :form"
        tx.execute(
            f"UPDATE list_forms SET body = :body, gzip = :gzip {of}",
            {**where, "body": body, "gzip": smaller_gzip(body) if form != "token.cwt" else None},
        )
        if cleanly:
            tx.execute(
                f"UPDATE served_list_forms SET digest = :digest {of}", {**where, "digest": digest_of(body)}
            )

    await wing.database.write(write)


async def test_sets_as_they_are_published_have_no_fault(wing: Wing) -> None:
    assert await all_faults(wing) == []


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_form_with_another_byte_is_found_by_its_digest(wing: Wing, form: FormName) -> None:
    body = (await forms_of(wing, "badges"))[form]
    await put(wing, form, body[:-9] + bytes([body[-9] ^ 1]) + body[-8:], cleanly=False)

    assert f"{OURS[form]}: {form} of version 1 is not what was published" in await forms_faults(wing.database)


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_form_with_another_byte_is_found_by_its_signature_where_the_digest_was_changed_too(
    wing: Wing, form: FormName
) -> None:
    body = (await forms_of(wing, "badges"))[form]
    await put(wing, form, body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    (fault,) = await signature_faults(wing)

    assert fault.startswith(f"{OURS[form]}: {form} is not ours: ")


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_form_of_another_set_in_this_ones_place_is_found(wing: Wing, form: FormName) -> None:
    """It says the same, in the name of the same issuer."""
    await put(wing, form, (await forms_of(wing, "diplomas"))[form])

    assert await said_faults(wing.database) == []
    assert await signature_faults(wing) == [
        f"{OURS[form]}: {form} is not ours: it is another list than its place says"
    ]


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_form_of_another_issuer_in_this_ones_place_is_found(wing: Wing, form: FormName) -> None:
    await put(wing, form, (await forms_of(wing, "theirs"))[form])

    assert await signature_faults(wing) == [f"{OURS[form]}: {form} is not ours: no key of ours has signed it"]


@pytest.mark.parametrize("form", FORM_NAMES)
async def test_a_form_that_a_retired_key_signed_is_found(wing: Wing, form: FormName) -> None:
    older = (await forms_of(wing, "badges"))[form]
    await wing.rotate(await wing.announce("acme", "next"))
    await wing.publisher.publish_dirty()
    sound = await all_faults(wing)
    await put(wing, form, older)

    assert sound == []
    assert await signature_faults(wing) == [
        f"{OURS[form]}: {form} is signed with the key {KEY_ID}, and next signs now"
    ]


async def test_a_change_of_keys_that_waits_for_publication_is_no_fault(wing: Wing) -> None:
    await wing.announce("acme", "next")
    await wing.compromise("acme", KEY_ID)
    without = await all_faults(wing)
    await wing.rotate(await wing.announce("acme", "third"))

    assert without == await all_faults(wing) == []


@pytest.mark.parametrize("form", TOKEN_FORMS)
async def test_a_form_that_names_its_key_as_another_profile_does_is_found(wing: Wing, form: FormName) -> None:
    wing.tamper("UPDATE set_versions SET profile = 'haip' WHERE set_id = 'badges'")

    assert f"badges: {form} does not name its key as the profile haip has it" in await signature_faults(wing)


@pytest.mark.parametrize("form", [form for form in FORM_NAMES if form != "token.cwt"])
async def test_a_compressed_copy_that_is_gone_or_another_is_found(wing: Wing, form: FormName) -> None:
    other = smaller_gzip((await forms_of(wing, "diplomas"))[form])

    async def set_gzip(to: bytes | None) -> list[str]:
        await wing.database.write(
            lambda tx: tx.execute(
                "UPDATE list_forms SET gzip = :gzip WHERE list_id = :id AND form = :form",
                {"gzip": to, "id": OURS[form], "form": form},
            )
        )
        return await forms_faults(wing.database)

    assert other is not None
    name = f"{OURS[form]}: {form}"
    assert await set_gzip(None) == [f"{name} is not kept compressed, which would be smaller"]
    for damaged in (other, other[:-3], b"", b"no gzip"):
        assert await set_gzip(damaged) == [f"{name} is not what its compressed bytes say"]


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE list_forms SET etag = 'x'", "has the entity tag of something else"),
        ("UPDATE list_forms SET media_type = 'text/html'", "has another media type"),
        ("DELETE FROM served_list_forms", "of version 1 was never published"),
    ],
)
async def test_what_is_sent_beside_a_form_is_looked_at(wing: Wing, statement: str, fault: str) -> None:
    wing.tamper(f"{statement} WHERE list_id = 'badges' AND form = 'token.jwt'")

    assert await forms_faults(wing.database) == [f"badges: token.jwt {fault}"]


async def test_a_digest_of_other_content_is_found(wing: Wing) -> None:
    """With it the publisher would keep bytes that are to be replaced."""
    wing.tamper("UPDATE list_forms SET content = 'x' WHERE list_id = 'badges-revocation'")

    assert await said_faults(wing.database) == [
        f"badges-revocation: {form} has the digest of other content" for form in BITSTRING_FORMS
    ]


async def test_forms_that_do_not_belong_there_are_found(wing: Wing) -> None:
    wing.tamper(
        "UPDATE list_forms SET list_id = 'badges' WHERE list_id = 'badges-revocation' AND form = 'credential.jwt'",
        "UPDATE list_forms SET list_id = 'strays' WHERE list_id = 'theirs' AND form = 'token.cwt'",
    )

    faults = await forms_faults(wing.database)
    assert "strays: there is no such list, and there are forms of it" in faults
    assert "badges-revocation: there is no credential.jwt" in faults
    assert "badges: it has no credential.jwt" in faults
