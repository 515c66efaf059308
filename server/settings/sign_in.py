"""
Signing in, in the settings: whose tokens are taken, where that provider's keys are, and what claims grant. Pure.
"""

import re
from typing import TYPE_CHECKING

from server.settings.settings import LOOPBACK_HOSTS, PREFIX, Settings

if TYPE_CHECKING:
    from operators.sign_in.sign_in import Provider

_NAMES = ("ISSUER", "AUDIENCE", "CLIENT_ID", "JWKS_URL", "NAME_CLAIM", "ADDRESS_CLAIM", "GRANTS")
_SETTINGS = {name: f"{PREFIX}SIGN_IN_{name}" for name in _NAMES}
MAX_CHARS = 2_048  # characters of an address, an audience or a name
# RFC 3986, section 3.2, without a user; the host in lower case, as we compare and send it.
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?(?=[/?]|\Z)", re.ASCII)


def provider_of(settings: Settings) -> "Provider | None":
    """
    Return the identity provider; None where nobody signs in.

    Raises:
        RuleFaults: what `sign_in_faults` tells.
    """
    if not settings.sign_in_issuer:
        return None
    from operators.sign_in.claims import read_rules
    from operators.sign_in.sign_in import Provider
    from operators.sign_in.tokens import Accepted

    return Provider(
        accepted=Accepted(
            issuer=settings.sign_in_issuer,
            audience=settings.sign_in_audience,
            client_id=settings.sign_in_client_id,
        ),
        rules=read_rules(settings.sign_in_grants),
        name_claim=settings.sign_in_name_claim,
        address_claim=settings.sign_in_address_claim,
    )


def sign_in_faults(settings: Settings) -> list[str]:
    """Return what is wrong with them, one sentence a fault, each with the setting to change."""
    return [*_missing(settings), *_url_faults(settings), *_text_faults(settings), *_rule_faults(settings)]


def _missing(settings: Settings) -> list[str]:
    """Return what of the settings that belong together is not there; without any of them nobody signs in."""
    audiences = settings.sign_in_audience or settings.sign_in_client_id
    given = (settings.sign_in_issuer, settings.sign_in_jwks_url, audiences)
    if all(given) or not (any(given) or settings.sign_in_grants):
        return []
    return [
        f"{_SETTINGS['ISSUER']}, {_SETTINGS['JWKS_URL']} and {_SETTINGS['AUDIENCE']} (for access tokens) or"
        f" {_SETTINGS['CLIENT_ID']} (for ID tokens): set all three, or none"
    ]


def _url_faults(settings: Settings) -> list[str]:
    issuer, keys = settings.sign_in_issuer, settings.sign_in_jwks_url
    faults = {"ISSUER": issuer and _url_fault(issuer, ""), "JWKS_URL": keys and _url_fault(keys, "[?query]")}
    return [f"{_SETTINGS[name]}: {fault}" for name, fault in faults.items() if fault]


def _url_fault(url: str, query: str) -> str:
    """Return what is wrong with a URL, or nothing; `query` is what may stand at its end."""
    from resolver.outbound.urls import DOT_SEGMENT, PATH_AND_QUERY

    found = _ORIGIN.match(url)
    target = "" if found is None else url[found.end() :]
    is_read = PATH_AND_QUERY.fullmatch(target) and not DOT_SEGMENT.search(target.partition("?")[0])
    is_too_much = len(url) > MAX_CHARS or ("?" in url and not query)
    if found is None or not is_read or is_too_much or int(found[3] or 0) > 65_535:
        return f"expected https://host[:port][/path]{query}, the host in lower case, found {url[:200]!r}"
    if found[1] == "http" and found[2].strip("[]") not in LOOPBACK_HOSTS:
        return (
            f"{url[:200]} is not https. Plain http is for loopback only: whoever answers in the provider's place"
            " could sign in as anybody"
        )
    return ""


def _text_faults(settings: Settings) -> list[str]:
    texts = {
        "AUDIENCE": settings.sign_in_audience,
        "CLIENT_ID": settings.sign_in_client_id,
        "NAME_CLAIM": settings.sign_in_name_claim,
        "ADDRESS_CLAIM": settings.sign_in_address_claim,
    }
    return [
        f"{_SETTINGS[name]}: expected up to {MAX_CHARS} characters without control characters"
        for name, text in texts.items()
        if len(text) > MAX_CHARS or not text.isprintable()
    ]


def _rule_faults(settings: Settings) -> list[str]:
    if not settings.sign_in_grants:
        return []
    from operators.sign_in.claims import RuleFaults, read_rules

    try:
        read_rules(settings.sign_in_grants)
    except RuleFaults as error:
        return [f"{_SETTINGS['GRANTS']}: {fault}" for fault in error.faults]
    return []
