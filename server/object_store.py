"""
The object store of the settings, opened: with the credentials of the environment, or of a file.

obstore (decision 0037) reads the environment variables of each cloud, such as AWS_ACCESS_KEY_ID, and the files
and services that they lead to. The file, TOML, has options of obstore by their names there, such as
`access_key_id`, and goes over them. It is read whenever lists are put there, so that credentials can be exchanged
in it.
"""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.settings.settings import reason_of
from statuslist.publishing.bucket import Bucket, BucketFailed, reason_of_store

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Opened

MAX_OPTIONS_BYTES = 65_536  # 64 KiB
# obstore's options of the connection, which it wants apart from those of the store.
CLIENT_OPTIONS = (
    *("allow_http", "allow_invalid_certificates", "connect_timeout", "default_content_type", "http1_only"),
    *("http2_keep_alive_interval", "http2_keep_alive_timeout", "http2_keep_alive_while_idle", "http2_only"),
    *("pool_idle_timeout", "pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url"),
    *("randomize_addresses", "read_timeout", "timeout", "user_agent"),
)
# What is refused or does not answer is tried again by `Uploader`, with what is newest then.
MAX_RETRIES = 1


class ObjectStore:
    """
    Args:
        url: of the settings.
        options_file: None: everything is in the environment.
        ca_file: PEM certificates of authorities that are trusted besides the system's.
    """

    def __init__(self, url: str, options_file: Path | None, ca_file: Path | None) -> None:
        self.url = url
        self._options_file = options_file
        self._ca_file = ca_file
        self._read: tuple[bytes, bytes] | None = None
        self._bucket: Bucket | None = None

    def open(self) -> Bucket:
        """
        Return the bucket, opened anew where a file changed. Blocks, and is not for two threads at once.

        Raises:
            BucketFailed: a file cannot be read, or the store's client does not take what is in it.
        """
        read = (_read(self._options_file), _read(self._ca_file))
        if self._bucket is None or read != self._read:
            self._bucket = Bucket(self._opened(*read))
            self._read = read
        return self._bucket

    def _opened(self, options: bytes, authorities: bytes) -> "Opened":
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        config = self._options(options)
        client: dict[str, Any] = {name: config.pop(name) for name in CLIENT_OPTIONS if name in config}
        if authorities:
            client["root_certificate"] = authorities
        try:
            # Without options of the client obstore takes those of the environment, such as AWS_ALLOW_HTTP.
            opened: Opened = from_url(  # type: ignore[call-overload]
                self.url,
                config=config or None,
                client_options=client or None,
                retry_config={"max_retries": MAX_RETRIES},
            )
        except (BaseError, ValueError, TypeError) as error:
            raise BucketFailed(f"{self.url}: {reason_of_store(error)}") from None
        return opened

    def _options(self, text: bytes) -> dict[str, Any]:
        try:
            return tomllib.loads(text.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BucketFailed(f"{self._options_file}: expected TOML: {reason_of(error)}") from None


def _read(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_OPTIONS_BYTES + 1)
    except OSError as error:
        raise BucketFailed(f"{path}: {reason_of(error)}") from None
    if len(text) > MAX_OPTIONS_BYTES:
        raise BucketFailed(f"{path}: expected at most {MAX_OPTIONS_BYTES} bytes")
    return text
