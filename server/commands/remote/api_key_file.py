"""
The API key that commands present: one line, in a file that its owner alone can read.
"""

from pathlib import Path

from operators.actors.api_keys import parse_api_key
from proofs.errors import KeyFileInvalid, KeyFileMissing
from proofs.key_files import read_private_file

MAX_BYTES = 256  # bytes; a key has 60


def read_api_key(path: Path) -> str:
    """
    Return the key in a file, which may end with a line break.

    Raises:
        KeyFileMissing, KeyFileUnsafe, KeyFileInvalid: it is not there, others may read it, or it holds no key or
            more than one. What it holds is never repeated.
        OSError: it cannot be read.
    """
    try:
        data = read_private_file(path, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        raise KeyFileMissing(
            f"{path}: there is no API key. On the server's machine `touchstone init` makes one; elsewhere name the"
            " file with yours in TOUCHSTONE_OPERATOR_KEY_FILE"
        ) from None
    text = data.decode("ascii", "replace").removesuffix("\n").removesuffix("\r")
    if parse_api_key(text) is None:
        raise KeyFileInvalid(f"{path}: expected one API key, tsk_..., and nothing else")
    return text
