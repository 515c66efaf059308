"""The object store of the settings: opened with what a file says, anew where that changed; nothing is connected."""

from pathlib import Path

import pytest

from server.object_store import MAX_OPTIONS_BYTES, ObjectStore
from statuslist.publishing.bucket import BucketFailed

KEYS = 'access_key_id = "key"\nsecret_access_key = "not-so-secret"\n'


@pytest.fixture
def options(tmp_path: Path) -> Path:
    path = tmp_path / "store.toml"
    path.write_text(KEYS)
    return path


def test_it_is_opened_once_for_one_content_of_the_file(options: Path) -> None:
    store = ObjectStore("s3://lists/public", options, None)
    first, second = store.open(), store.open()
    options.write_text(KEYS.replace("not-so-secret", "another"))
    third = store.open()

    assert first is second
    assert third is not first


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3://lists", KEYS + 'endpoint = "http://127.0.0.1:9000"\nallow_http = true\ntimeout = "5s"\n'),
        ("gs://lists/public", "skip_signature = true\n"),
        ("az://lists", 'account_name = "account"\naccount_key = "MTIz"\n'),
    ],
)
def test_options_of_the_connection_and_of_each_cloud_are_taken(options: Path, url: str, text: str) -> None:
    options.write_text(text)

    assert ObjectStore(url, options, None).open() is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("access_key_id = \n", "expected TOML"),
        (b"\xff".decode("latin-1"), "expected TOML"),
        (KEYS + 'nonsense = "x"\n', "nonsense"),
        (KEYS + "region = 5\n", "s3://lists"),
        ('access_key_id = "key"\n', "SecretAccessKey"),
        (KEYS + 'timeout = "soon"\n', "timeout|Duration"),
        ("#" * (MAX_OPTIONS_BYTES + 1), f"at most {MAX_OPTIONS_BYTES} bytes"),
    ],
)
def test_options_that_cannot_be_used_are_told_without_secrets(options: Path, text: str, said: str) -> None:
    options.write_text(text, "latin-1")

    with pytest.raises(BucketFailed, match=said) as told:
        ObjectStore("s3://lists", options, None).open()
    assert "not-so-secret" not in str(told.value)


def test_a_file_that_is_not_there_is_told_and_read_once_it_is(options: Path) -> None:
    store = ObjectStore("s3://lists", options, None)
    options.unlink()
    with pytest.raises(BucketFailed, match=r"store\.toml: No such file"):
        store.open()
    options.write_text(KEYS)

    assert store.open() is not None


def test_authorities_that_are_none_are_told(options: Path, tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_text("no certificate")

    with pytest.raises(BucketFailed, match="certificate"):
        ObjectStore("s3://lists", options, authorities).open()
