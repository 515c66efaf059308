"""
The object store that lists are published to, in the settings. Pure but for a look whether its client is installed.
"""

import re
from importlib.util import find_spec

from server.settings.settings import PREFIX, Settings

URL, OPTIONS_FILE = f"{PREFIX}PUBLISH_URL", f"{PREFIX}PUBLISH_OPTIONS_FILE"
# s3://bucket, gs://bucket or az://container, and a prefix of keys.
_URL = re.compile(
    r"(?:s3|gs|az)://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/(?!\.{1,2}(?:/|\Z))[\w.-]+)*", re.ASCII
)


def publish_faults(settings: Settings) -> list[str]:
    """Return what is wrong with them, one sentence a fault; that the store is there is not asked."""
    if not settings.publish_url:
        needless = f"{OPTIONS_FILE}: is for {URL}, which is not set"
        return [needless] if settings.publish_options_file else []
    faults = []
    if not _URL.fullmatch(settings.publish_url):
        faults.append(
            f"{URL}: expected s3://bucket, gs://bucket or az://container, each with /prefix or without,"
            " and no user, query or slash at the end"
        )
    if find_spec("obstore") is None:
        faults.append(f"{URL}: the client of object stores is missing; install touchstone-vc[objects]")
    return faults
