"""Versions and metadata of a log, its implicit services, and the did:web beside it."""

import pytest

from resolver import InvalidDidUrl, InvalidOptions, NotFound, Options
from resolver.did import parse_did_url
from resolver.documents.dereference import dereference
from resolver.webvh import parallel_did_web
from tests.resolver.webvh.logs import Json, Log, Signer, witnessed
from tests.resolver.webvh.verifying import resolved

WITNESS = Signer(10)
THREE = Log().append({"ttl": 60}).append().append({"watchers": ["https://watcher.example/"]})


def number_at(options: Options, log: Log = THREE) -> int:
    return int(resolved(log, options).metadata["versionId"].partition("-")[0])


def test_the_metadata_are_those_of_the_specification() -> None:
    log = Log().append(witnessed(1, WITNESS) | {"portable": True, "ttl": 7}).append().approve(WITNESS)

    metadata = resolved(log, Options(version_number=1)).metadata

    assert metadata == {
        "versionId": log.entries[0]["versionId"],
        "versionTime": "2025-01-01T00:01:00Z",
        "created": "2025-01-01T00:01:00Z",
        "updated": "2025-01-01T00:02:00Z",
        "nextUpdate": "2025-01-01T00:02:00Z",
        "nextVersionId": log.entries[1]["versionId"],
        "scid": log.scid,
        "portable": True,
        "deactivated": False,
        "ttl": "7",
        "witness": {"threshold": "1", "witnesses": [{"id": WITNESS.did}]},
        "watchers": [],
    }


def test_the_newest_version_has_the_settings_of_the_whole_log_and_nothing_after_it() -> None:
    metadata = resolved(THREE).metadata

    assert (metadata["ttl"], metadata["watchers"]) == ("60", ["https://watcher.example/"])
    assert metadata["witness"] == {}
    assert metadata.keys().isdisjoint({"nextUpdate", "nextVersionId"})


def test_times_have_no_fraction_though_the_log_s_have() -> None:
    log = Log().append(time="2025-01-01T00:00:00.25+00:00").append(time="2025-01-01T00:00:00.75Z")

    metadata = resolved(log).metadata

    assert (metadata["created"], metadata["updated"]) == ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("time", "number"),
    [
        ("2025-01-01T00:01:00Z", 1),
        ("2025-01-01T00:01:59Z", 1),
        ("2025-01-01T00:02:00Z", 2),
        ("2099-01-01T00:00:00Z", 3),
    ],
)
def test_a_time_names_the_version_that_was_the_newest_then(time: str, number: int) -> None:
    assert number_at(Options(version_time=time)) == number


def test_the_midnight_that_ends_a_day_is_the_first_moment_of_the_next() -> None:
    """XML Schema 1.1 part 2, 3.3.7, by which DID Resolution has versionTime."""
    log = Log().append(time="2025-01-31T23:59:59Z").append(time="2025-02-01T00:00:00Z")

    assert number_at(Options(version_time="2025-01-31T24:00:00Z"), log) == 2


def test_a_version_is_named_by_its_number_or_its_whole_id() -> None:
    assert [number_at(Options(version_number=number)) for number in (1, 2, 3)] == [1, 2, 3]
    assert number_at(Options(version_id=THREE.entries[1]["versionId"])) == 2


@pytest.mark.parametrize(
    "options",
    [
        Options(version_number=0),
        Options(version_number=4),
        Options(version_id="2"),
        Options(version_id="2-"),
        Options(version_id="1-" + THREE.entries[1]["versionId"][2:]),
        Options(version_time="2025-01-01T00:00:59Z"),
    ],
    ids=str,
)
def test_a_version_that_is_not_there_is_not_found(options: Options) -> None:
    with pytest.raises(NotFound):
        resolved(THREE, options)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidOptions):
        resolved(THREE, Options(version_time="yesterday"))


def test_every_did_has_the_implicit_services_beside_its_document() -> None:
    log = Log("issuer.example%3A8443:dids:alice").append()

    found = resolved(log)

    assert found.document == log.entries[0]["state"]
    assert found.implied_services == (
        {
            "id": f"{log.did}#files",
            "type": "relativeRef",
            "serviceEndpoint": "https://issuer.example:8443/dids/alice/",
        },
        {
            "@context": "https://identity.foundation/linked-vp/contexts/v1",
            "id": f"{log.did}#whois",
            "type": "LinkedVerifiablePresentation",
            "serviceEndpoint": "https://issuer.example:8443/dids/alice/whois.vp",
        },
    )


def test_the_implicit_services_are_not_below_well_known() -> None:
    services = resolved(Log().append()).implied_services

    assert [service["serviceEndpoint"] for service in services] == [
        "https://issuer.example/",
        "https://issuer.example/whois.vp",
    ]


@pytest.mark.parametrize("own_id", ["#files", "{did}#files"])
def test_a_service_of_the_document_takes_the_place_of_the_implicit_one(own_id: str) -> None:
    did = "did:webvh:{SCID}:issuer.example"
    service = {
        "id": own_id.format(did=did),
        "type": "relativeRef",
        "serviceEndpoint": "https://files.example/",
    }
    log = Log().append(state={"id": did, "service": [service]})

    services = parallel_did_web(log.entries[0]["state"])["service"]

    assert [service["serviceEndpoint"] for service in services] == [
        "https://files.example/",
        "https://issuer.example/whois.vp",
    ]


def test_the_did_web_beside_it_is_the_document_with_the_names_exchanged() -> None:
    did = "did:webvh:{SCID}:issuer.example"
    log = Log().append(
        state={
            "id": did,
            "alsoKnownAs": ["did:web:issuer.example", "https://issuer.example/", did, None],
            "authentication": [{"id": f"{did}#key-1", "type": "Multikey", "controller": did}],
        }
    )

    parallel = parallel_did_web(log.entries[0]["state"])

    web = "did:web:issuer.example"
    assert parallel["id"] == web
    assert parallel["authentication"] == [{"id": f"{web}#key-1", "type": "Multikey", "controller": web}]
    assert parallel["alsoKnownAs"] == ["https://issuer.example/", log.did]
    assert [service["id"] for service in parallel["service"]] == [f"{web}#files", f"{web}#whois"]


@pytest.mark.parametrize("aliases", [None, "did:web:issuer.example", [None, {}]])
def test_the_did_web_beside_it_has_no_alias_that_is_none(aliases: object) -> None:
    log = Log().append(state={"id": "did:webvh:{SCID}:issuer.example", "alsoKnownAs": aliases})

    parallel = parallel_did_web(log.entries[0]["state"])

    assert parallel["alsoKnownAs"] == [log.did]


PLACE = "issuer.example:dids:alice"


@pytest.mark.parametrize(
    ("suffix", "url"),
    [
        ("/whois", "https://issuer.example/dids/alice/whois.vp"),
        ("/governance/issuers.json", "https://issuer.example/dids/alice/governance/issuers.json"),
        ("/dids/alice/x", "https://issuer.example/dids/alice/dids/alice/x"),
        ("/a:b", "https://issuer.example/dids/alice/a:b"),
        ("/", "https://issuer.example/dids/alice/"),
        ("/a?versionNumber=1#part", "https://issuer.example/dids/alice/a#part"),
        ("?service=files&relativeRef=x", "https://issuer.example/dids/alice/x"),
    ],
)
def test_the_path_of_a_did_url_names_a_file_beside_the_log(suffix: str, url: str) -> None:
    log = Log(PLACE).append()

    found = dereference(resolved(log), parse_did_url(log.did + suffix))

    assert (found.urls, found.names_url) == ((url,), True)


@pytest.mark.parametrize("path", ["/..", "/../x", "/%2e%2e/x", "/a/../../x", "/%252e%252e/x"])
def test_a_path_that_leaves_the_place_of_the_log_is_refused(path: str) -> None:
    log = Log(PLACE).append()

    with pytest.raises(InvalidDidUrl):
        dereference(resolved(log), parse_did_url(log.did + path))


def test_a_service_of_the_document_gives_paths_its_own_meaning() -> None:
    did = "did:webvh:{SCID}:issuer.example"
    services = [
        {"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://files.example/base"},
        {"id": "#whois", "type": "LinkedVerifiablePresentation", "serviceEndpoint": "ipfs://x"},
    ]
    log = Log().append(state={"id": did, "service": services})

    found = dereference(resolved(log), parse_did_url(f"{log.did}/a/b"))

    assert found.urls == ("https://files.example/base/a/b",)
    with pytest.raises(NotFound):
        dereference(resolved(log), parse_did_url(f"{log.did}/whois"))


def test_an_implicit_service_has_a_did_url_and_is_no_part_of_the_document() -> None:
    log = Log().append()

    service = dereference(resolved(log), parse_did_url(f"{log.did}#whois")).content
    document = dereference(resolved(log), parse_did_url(log.did)).content

    assert service is not None and service["type"] == "LinkedVerifiablePresentation"
    assert document == log.entries[0]["state"]


def test_what_is_left_out_of_a_version_is_told_with_it() -> None:
    def state(log: Log, **members: object) -> Json:
        return {"@context": ["https://www.w3.org/ns/did/v1"], "id": log.did, **members}

    log = Log().append()
    log.append(state=state(log, keyAgreement=None, alsoKnownAs=["word"])).append(state=state(log))

    older, newest = resolved(log, Options(version_number=2)), resolved(log)

    codes = [warning["code"] for warning in older.resolution_metadata["warnings"]]
    assert codes == ["null-member", "malformed-alias"]
    assert older.document == newest.document == state(log)
    assert newest.resolution_metadata == {}
