"""
Whether a DID is one that could be resolved, in its one spelling; decided without asking anybody. Pure.

For those who keep DIDs: what is wrong with one shall be told when it is written down, not when it is looked up.
"""

from resolver.did import Did, parse_did
from resolver.errors import InvalidDid, NotFound
from resolver.methods import METHODS
from resolver.methods.web import WebMethod
from resolver.methods.webvh import WebvhMethod
from resolver.results import DEFAULT_OPTIONS


def read_spelling(text: str) -> Did:
    """
    Read a DID, and check what its method says of its spelling; of a method that is not ours, the grammar alone.

    - did:key, did:jwk: the key in it is decoded and checked; a private one is refused, and not repeated.
    - did:peer, did:pkh: what can be checked of the document or the account is.
    - did:web, did:webvh: the host and path are those of a public server, in normal form: DIDs are compared as
      strings, and two spellings of one would be two identifiers.

    Raises:
        InvalidDid: the grammar, the method's rules, or a did:web or did:webvh in another spelling.
        FeatureNotSupported: a key of a type that we cannot check.
    """
    did = parse_did(text)
    if did.method not in METHODS:
        return did
    method = METHODS[did.method]
    try:
        method.plan(did, DEFAULT_OPTIONS)
    except NotFound:  # A did:peer that is a hash: well spelled, and known to its peers only.
        return did
    if isinstance(method, WebMethod | WebvhMethod):
        normal = method.question(did, DEFAULT_OPTIONS).did
        if normal != text:
            raise InvalidDid(f"did:{did.method}: expected the normal form {normal}")
    return did
