"""Settings: precedence, and every fault told with the variable to change."""

from pathlib import Path

import pytest
import trustme

from server.settings import Settings, SettingsError, load_settings
from server.settings.policy import freshness_of, method_freshness_of

ALONE = {"TOUCHSTONE_PUBLIC_URL": "https://vc.example"}


def _faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.faults


def test_the_defaults_are_loopback_and_our_did_follows() -> None:
    settings = load_settings({})

    assert settings == Settings()
    assert settings.did == "did:web:localhost%3A8000"
    assert (settings.bind, settings.operator_bind) == ("127.0.0.1:8000", "127.0.0.1:8001")


def test_the_environment_goes_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text('log_level = "ERROR"\nlist_ttl_seconds = 120\ntrusted_proxies = ["10.0.0.0/8"]\n')
    settings = load_settings({"TOUCHSTONE_CONFIG": str(file), "TOUCHSTONE_LOG_LEVEL": "DEBUG"})

    assert (settings.log_level, settings.list_ttl_seconds) == ("DEBUG", 120)
    assert settings.trusted_proxies == ("10.0.0.0/8",)


def test_proxies_are_listed_with_commas_or_spaces() -> None:
    settings = load_settings({"TOUCHSTONE_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1 2001:db8::/32"})

    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8000", "https://a.example"]
)
def test_a_public_url_is_https_or_loopback(url: str) -> None:
    assert load_settings({"TOUCHSTONE_PUBLIC_URL": url}).public_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://vc.example", "http://localhost.evil.example", "https://a.example/", "https://a.example/x", "ftp://a",
        "https://a@b", "https://A.example", "https://a.example?", "https://a.example#", "https://a b", "http://[::1",
        "https://10.0.0.1", "https://[2001:db8::1]", "https://vc.example.", "https://touchstone",
        "https://vc.example:443", "https://localhost:443", "https://vc.example:80", "https://vc.internal",
        "https://a:99999", "https://a:b", "https://", "https://é.example", "https://a\n.example", "",
    ],
)  # fmt: skip
def test_any_other_public_url_is_refused_by_name(url: str) -> None:
    assert _faults({"TOUCHSTONE_PUBLIC_URL": url})[0].startswith("TOUCHSTONE_PUBLIC_URL: ")


def test_what_needs_an_approval_is_named_by_its_actions() -> None:
    settings = load_settings(
        {"TOUCHSTONE_APPROVALS_FOR": "issuer-key.activate", "TOUCHSTONE_APPROVALS_ALONE": "true"}
    )

    assert (settings.approvals_for, settings.approvals_alone) == (("issuer-key.activate",), True)


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://vc.example", "did:web:vc.example"),
        ("https://vc.example:8443", "did:web:vc.example%3A8443"),
        ("http://localhost", "did:web:localhost"),
        ("http://127.0.0.1:8000", "did:web:localhost%3A8000"),
        ("http://[::1]:8000", "did:web:localhost%3A8000"),
        ("https://localhost:8443", "did:web:localhost%3A8443"),
    ],
)
def test_our_did_follows_the_public_url_and_never_has_an_address(url: str, did: str) -> None:
    assert load_settings({"TOUCHSTONE_PUBLIC_URL": url}).did == did


def test_plain_http_is_refused_where_the_listener_is_not_on_loopback() -> None:
    assert _faults({"TOUCHSTONE_BIND": "0.0.0.0:8000"})[0].startswith("TOUCHSTONE_PUBLIC_URL: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "127.0.0.1"),
        ("OPERATOR_BIND", "127.0.0.1:70000"),
        ("BIND", "127.0.0.1:²"),
        ("DATABASE_URL", "postgresql://u:secret@h/d"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("APPROVALS_FOR", "issuer-key.activate,issuer-key.deactivate"),
        ("APPROVALS_ALONE", "perhaps"),
        ("APPROVAL_EXPIRES_SECONDS", "59"),
        ("APPROVAL_EXPIRES_SECONDS", "2592001"),
        ("TRUSTED_CLIENTS", "10.0.0.1/8"),
        ("TRUSTED_CLIENTS", "backend.example"),
        ("TRUSTED_RATE_HOT_PER_SECOND", "499"),
        ("TRUSTED_RATE_CPU_PER_SECOND", "0"),
        ("TRUSTED_RATE_NO_CACHE_PER_SECOND", "inf"),
        ("LIST_TTL_SECONDS", "59"),
        ("LIST_TTL_SECONDS", "43201"),
        ("CACHE_MIN_TTL_SECONDS", "601"),
        ("MAX_CONNECTIONS_PER_CLIENT", "0"),
        ("RATE_HOT_PER_SECOND", "nan"),
        ("RATE_CPU_PER_SECOND", "inf"),
        ("HEAD_TIMEOUT_SECONDS", "-1"),
        ("DRAIN_DELAY_SECONDS", "-1"),
        ("SHUTDOWN_TIMEOUT_SECONDS", "nan"),
        ("HEAD_TIMEOUT_SECONDS", "soon"),
        ("LOG_LEVEL", "LOUD"),
        ("CRYPTOSUITE", "rot13"),
        ("NO_SUCH_THING", "1"),
    ],
)
def test_a_fault_names_its_variable_and_no_secret(name: str, value: str) -> None:
    faults = _faults(ALONE | {f"TOUCHSTONE_{name}": value})

    assert any(fault.startswith(f"TOUCHSTONE_{name}") for fault in faults), faults
    assert "secret" not in "".join(faults)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("WORKERS", "many", "expected a whole number, found 'many'"),
        ("RATE_HOT_PER_SECOND", "fast", "expected a number, found 'fast'"),
        ("DRAIN_DELAY_SECONDS", "", "expected a number, found ''"),
        ("HOT_PROTOCOL", "yes", "expected true or false, found 'yes'"),
        ("LOG_LEVEL", "debug", "expected one of DEBUG, INFO, WARNING, ERROR, found 'debug'"),
        ("CRYPTOSUITE", "rot13", "expected one of eddsa-rdfc-2022, eddsa-jcs-2022, found 'rot13'"),
        (
            "DEFAULT_REPRESENTATION",
            "json",
            "expected one of result, document, legacy, found 'json'",
        ),
        ("BIND", "8000", "expected host:port, such as 127.0.0.1:8000, found '8000'"),
        ("DRIVERS_FILE", "/nowhere", "/nowhere: No such file or directory"),
    ],
)
def test_a_fault_says_in_words_what_is_expected(name: str, value: str, told: str) -> None:
    assert _faults({f"TOUCHSTONE_{name}": value}) == [f"TOUCHSTONE_{name}: {told}"]


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_a_value_of_a_wrong_type_in_the_file_is_told_without_a_word_of_python(
    tmp_path: Path, field: str
) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text(f"{field} = 12:30:00\n")

    (fault,) = _faults({"TOUCHSTONE_CONFIG": str(file)})

    assert fault.startswith(f"TOUCHSTONE_{field.upper()}: expected ")
    assert "`" not in fault


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("database_url", '["postgresql://user:secret@host/name"]', "expected text"),
        ("drivers", '"https://user:secret@host/"', "expected a list of tables"),
        ("trusted_proxies", '"user:secret"', 'expected a list of texts, such as ["a", "b"]'),
    ],
)
def test_a_secret_of_a_wrong_type_is_not_told(tmp_path: Path, name: str, value: str, told: str) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text(f"{name} = {value}\n")

    assert _faults({"TOUCHSTONE_CONFIG": str(file)}) == [f"TOUCHSTONE_{name.upper()}: {told}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRIVERS", '"https://user:secret@host"'),
        ("PUBLIC_URL", "https://user:secret@vc.example"),
        ("PUBLIC_URL", "https://user:secret@vc.example/path"),
        ("PUBLIC_URL", "https://user:secret@vc.example:port"),
    ],
)
def test_a_variable_with_a_secret_in_the_wrong_place_is_not_repeated(name: str, value: str) -> None:
    (fault,) = _faults({f"TOUCHSTONE_{name}": value})

    assert fault.startswith(f"TOUCHSTONE_{name}: expected ")
    assert "secret" not in fault


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (
            "postgresql://u:secret@h/d",
            "must hold no password; put it into a file and name that in TOUCHSTONE_DATABASE_PASSWORD_FILE",
        ),
        ("postgresql://h", "expected postgresql://user@host[:port]/name"),
        ("mysql://u@h/d", "expected postgresql://user@host[:port]/name, or sqlite:///path"),
    ],
)
def test_sqlite_is_proposed_only_to_whom_does_not_mean_postgresql(url: str, fault: str) -> None:
    assert _faults({"TOUCHSTONE_DATABASE_URL": url}) == [f"TOUCHSTONE_DATABASE_URL: {fault}"]


TOKEN = {
    "TOUCHSTONE_PKCS11_MODULE": "/usr/lib/softhsm/libsofthsm2.so",
    "TOUCHSTONE_PKCS11_TOKEN": "touchstone",
    "TOUCHSTONE_PKCS11_PIN_FILE": "var/token-pin",
}


def test_a_token_is_named_whole_or_not_at_all() -> None:
    assert load_settings(TOKEN).pkcs11_token == "touchstone"

    for name in TOKEN:
        (fault,) = _faults({other: value for other, value in TOKEN.items() if other != name})
        assert fault.endswith("set all three, or none")
        assert all(setting in fault for setting in TOKEN)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("MODULE", "libsofthsm2.so", "expected an absolute path, found 'libsofthsm2.so'"),
        ("TOKEN", "\u00e4" * 17, "expected a label of at most 32 bytes"),
    ],
)
def test_a_token_that_no_library_could_find_is_refused(name: str, value: str, fault: str) -> None:
    name = f"TOUCHSTONE_PKCS11_{name}"

    assert _faults(TOKEN | {name: value}) == [f"{name}: {fault}"]


@pytest.mark.parametrize("name", ["TOUCHSTONE_WORKERS", "touchstone_workers", "WORKERS"])
def test_the_name_of_a_variable_in_the_file_is_told_with_that_of_the_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text(f"{name} = 2\n")

    assert _faults({"TOUCHSTONE_CONFIG": str(file)}) == [
        f"TOUCHSTONE_CONFIG={file}: {name}: in a file its name is workers"
    ]


def test_every_fault_is_told_at_once() -> None:
    faults = _faults(
        {"TOUCHSTONE_PUBLIC_URL": "ftp://x", "TOUCHSTONE_BIND": "x", "TOUCHSTONE_LIST_TTL_SECONDS": "1"}
    )

    assert len(faults) == 3
    assert len(_faults({"TOUCHSTONE_WORKERS": "x", "TOUCHSTONE_HOT_PROTOCOL": "x", "TOUCHSTONE_X": "x"})) == 3


@pytest.mark.parametrize("wrong", [{"LOG_LEVEL": "foo"}, {"X": "x"}, {"DRIVERS": "{"}, {"WORKERS": "x"}])
def test_a_value_of_a_wrong_type_or_an_unknown_name_hides_no_other_fault(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text("colour = 1\ncache_stale_seconds = -1\n")
    given = {"CONFIG": str(file), "BIND": "nonsense", "OBSERVE_INTERVAL_SECONDS": "1"} | wrong

    faults = _faults({f"TOUCHSTONE_{name}": value for name, value in given.items()})

    named = sorted(fault.removeprefix("TOUCHSTONE_").partition(":")[0].partition("=")[0] for fault in faults)
    assert named == sorted([*given, "CACHE_STALE_SECONDS"])


@pytest.mark.parametrize(
    ("wrong", "other"),
    [
        ("public_url = 1", {"BIND": "0.0.0.0:8000"}),
        ('list_validity_seconds = "a day"', {"LIST_TTL_SECONDS": "50000"}),
        ('cache_max_ttl_seconds = "long"', {"CACHE_MIN_TTL_SECONDS": "9000"}),
        ("database_url = 1", {"DATABASE_PASSWORD_FILE": "password"}),
    ],
)
def test_a_default_in_the_place_of_a_wrong_value_is_no_fault_of_another(
    tmp_path: Path, wrong: str, other: dict[str, str]
) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text(wrong)
    environ = {f"TOUCHSTONE_{name}": value for name, value in other.items()}

    (fault,) = _faults(environ | {"TOUCHSTONE_CONFIG": str(file)})

    assert fault.startswith(f"TOUCHSTONE_{wrong.partition(' ')[0].upper()}: ")


@pytest.mark.parametrize("content", [None, b"a = ", b"\xff", b"colour = 1"])
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "touchstone.toml"
    if content is not None:
        file.write_bytes(content)

    assert len(_faults({"TOUCHSTONE_CONFIG": str(file)})) == 1


def test_private_hosts_are_exact_names_and_nothing_by_pattern() -> None:
    name = "TOUCHSTONE_DANGEROUSLY_ALLOWED_PRIVATE_HOSTS"
    allowed = load_settings({name: "issuer.corp.example, b.corp.example"})
    faults = _faults(
        {name: "*.corp.example .corp.example A.example a.example:84 c.internal localhost 10.0.0.1"}
    )

    assert allowed.dangerously_allowed_private_hosts == ("issuer.corp.example", "b.corp.example")
    assert len(faults) == 7
    assert all(fault.startswith(f"{name}: ") for fault in faults)


def test_a_trusted_authority_is_a_file_of_certificates(tmp_path: Path) -> None:
    name = "TOUCHSTONE_DANGEROUSLY_TRUSTED_CA_FILE"
    good, empty = tmp_path / "ca.pem", tmp_path / "empty.pem"
    trustme.CA().cert_pem.write_to_path(str(good))
    empty.write_text("")

    assert load_settings({name: str(good)}).dangerously_trusted_ca_file == str(good)
    for path in (empty, tmp_path / "missing.pem"):
        assert _faults({name: str(path)})[0].startswith(f"{name}={path}: ")


@pytest.mark.parametrize("value", ["wbe=60", "web=0", "web=99999999", "web", "web=60,key=5"])
def test_a_time_to_live_of_a_method_that_is_never_cached_or_of_years_is_refused(value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"TOUCHSTONE_CACHE_METHOD_TTL_SECONDS": value})

    assert "TOUCHSTONE_CACHE_METHOD_TTL_SECONDS" in str(refused.value)


def test_nothing_is_served_stale_where_the_seconds_are_none() -> None:
    settings = load_settings(
        {"TOUCHSTONE_CACHE_STALE_SECONDS": "0", "TOUCHSTONE_CACHE_METHOD_TTL_SECONDS": "web=60, webvh=900"}
    )

    bounds = freshness_of(settings)
    by_method = method_freshness_of(settings)

    assert (bounds.stale_seconds, bounds.revalidate_seconds) == (0, 0)
    assert (by_method["web"].ceiling_seconds, by_method["webvh"].default_seconds) == (60, 900)


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"TOUCHSTONE_BIND": "0.0.0.0:8000", "TOUCHSTONE_PUBLIC_URL": "https://a.example"}, 5.0),
        ({"TOUCHSTONE_DRAIN_DELAY_SECONDS": "2.5"}, 2.5),
        (
            {
                "TOUCHSTONE_BIND": "0.0.0.0:8000",
                "TOUCHSTONE_PUBLIC_URL": "https://a.example",
                "TOUCHSTONE_DRAIN_DELAY_SECONDS": "0",
            },
            0.0,
        ),
    ],
)
def test_who_may_be_behind_a_balancer_drains_for_a_while(environ: dict[str, str], seconds: float) -> None:
    assert load_settings(environ).drain_delay == seconds


@pytest.mark.parametrize(
    "url",
    [
        "https://collector.example/a/b",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:9000/x",
        "http://[::1]:9000",
    ],
)
def test_audit_rows_are_pushed_over_https_or_to_this_machine(url: str) -> None:
    assert load_settings({"TOUCHSTONE_AUDIT_PUSH_URL": url}).audit_push_url == url


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"_URL": "http://collector.example/"}, "_URL: plain http is for a collector on this machine only"),
        (
            {"_URL": "http://127.0.0.1.nip.example/"},
            "_URL: plain http is for a collector on this machine only",
        ),
        ({"_URL": "https://user:secret@collector.example/"}, "_URL: expected https://host[:port][/path]"),
        ({"_URL": "https://collector.example/?token=secret"}, "_URL: expected https://host[:port][/path]"),
        ({"_URL": "ftp://collector.example"}, "_URL: expected https://host[:port][/path]"),
        ({"_TOKEN_FILE": "/run/secret"}, "_TOKEN_FILE: is for TOUCHSTONE_AUDIT_PUSH_URL, which is not set"),
    ],
)
def test_a_collector_that_rows_must_not_go_to_is_refused(environ: dict[str, str], fault: str) -> None:
    (told,) = _faults({f"TOUCHSTONE_AUDIT_PUSH{name}": value for name, value in environ.items()})

    assert told.startswith(f"TOUCHSTONE_AUDIT_PUSH{fault}")
    assert "secret" not in told


@pytest.mark.parametrize(
    "url", ["s3://lists", "gs://my.lists/of/all", "az://lists/public", "s3://lists/v1.2_a-b/Public"]
)
def test_lists_go_to_a_bucket_and_perhaps_a_prefix(url: str) -> None:
    assert load_settings({"TOUCHSTONE_PUBLISH_URL": url}).publish_url == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "lists",
            "s3://",
            "s3://a",
            "s3:///lists",
            "file:///var/lists",
            "memory:///",
            "https://lists.example",
        ),
        *(
            "s3://lists/",
            "s3://lists/../other",
            "s3://lists/a//b",
            "s3://Lists",
            "s3://lists/a?b",
            "s3://lists#a",
        ),
        *("s3://key:hidden@lists", "s3a://lists", " s3://lists", "s3://lists/."),
    ],
)
def test_what_is_no_bucket_is_refused_and_not_repeated(url: str) -> None:
    (told,) = _faults({"TOUCHSTONE_PUBLISH_URL": url})

    assert told.startswith("TOUCHSTONE_PUBLISH_URL: expected s3://bucket, gs://bucket or az://container")
    assert "hidden" not in told


def test_options_of_no_store_are_refused() -> None:
    (told,) = _faults({"TOUCHSTONE_PUBLISH_OPTIONS_FILE": "/run/store.toml"})

    assert told == "TOUCHSTONE_PUBLISH_OPTIONS_FILE: is for TOUCHSTONE_PUBLISH_URL, which is not set"


def test_a_store_without_its_client_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.settings.publishing.find_spec", lambda name: None)

    (told,) = _faults({"TOUCHSTONE_PUBLISH_URL": "s3://lists"})

    assert "touchstone-vc[objects]" in told


def test_a_folder_of_contexts_that_cannot_be_used_is_named_before_the_start(tmp_path: Path) -> None:
    faults = _faults({"TOUCHSTONE_CONTEXTS_DIR": str(tmp_path)})

    assert faults == [f"TOUCHSTONE_CONTEXTS_DIR: {tmp_path}/index.json: No such file or directory"]
