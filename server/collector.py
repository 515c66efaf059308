"""
Audit rows on their way to the collector of the settings: HTTPS POST of JSON lines, with a bearer token of a file.

http is for a collector on loopback, such as an agent that forwards. The token is read for each push, so that it can
be exchanged in its file.
"""

import ssl
from pathlib import Path

from operators.audit.pushing import PushFailed
from resolver.outbound.configured import ConfiguredFetch
from resolver.outbound.errors import FetchError

MEDIA_TYPE = "application/x-ndjson"
TIMEOUT_SECONDS = 30.0  # of one push, from connecting to the end of the answer
MAX_ANSWER_BYTES = 65_536  # 64 KiB; nothing in it is read
MAX_TOKEN_CHARS = 8_192  # characters; they go into one header


class Collector:
    """
    Args:
        url: under which rows are taken; https, or http to loopback.
        token_file: its first line is the token; None: the collector asks for none.
        trust: for https; None: the system's authorities.
    """

    def __init__(self, url: str, token_file: Path | None, trust: ssl.SSLContext | None) -> None:
        self.url = url
        self._token_file = token_file
        self._fetch = ConfiguredFetch([url], ssl_context=trust)

    async def post(self, lines: bytes) -> None:
        """
        Send lines; they are taken when this returns.

        Raises:
            PushFailed: they are not, or nobody knows.
        """
        try:
            answer = await self._fetch.post_configured(
                self.url,
                lines,
                headers=self._headers(),
                max_bytes=MAX_ANSWER_BYTES,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except FetchError as error:
            raise PushFailed(f"{self.url}: {error}") from None
        if not 200 <= answer.status < 300:
            raise PushFailed(f"{self.url} answered {answer.status}")

    async def aclose(self) -> None:
        await self._fetch.aclose()

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": MEDIA_TYPE}
        if self._token_file is not None:
            headers["authorization"] = f"Bearer {_read_token(self._token_file)}"
        return headers


def _read_token(path: Path) -> str:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PushFailed(f"{path}: {getattr(error, 'strerror', None) or 'it is not ASCII'}") from None
    token = lines[0].strip() if lines else ""
    if not token or len(token) > MAX_TOKEN_CHARS or not token.isprintable() or " " in token:
        raise PushFailed(f"{path}: expected a token in the first line, without spaces")
    return token
