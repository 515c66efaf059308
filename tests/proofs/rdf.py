"""
RDFC-1.0 by an RDF library, with the real v2 context in the place of its URL.

`credentials-v2.jsonld`: see `credentials-v2.origin.md`.
"""

import json
from pathlib import Path

import pyoxigraph
from pyoxigraph import CanonicalizationAlgorithm

from proofs import JsonObject

CONTEXT = json.loads(Path(__file__).with_name("credentials-v2.jsonld").read_bytes())["@context"]


def rdfc(
    document: JsonObject,
    context: object = CONTEXT,
    algorithm: CanonicalizationAlgorithm = CanonicalizationAlgorithm.RDFC_1_0_SHA_256,
) -> bytes:
    """Canonicalize `document`, `context` in the place of its own."""
    inlined = json.dumps({**document, "@context": context})
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(inlined, format=pyoxigraph.RdfFormat.JSON_LD))
    dataset.canonicalize(algorithm)
    return "".join(sorted(f"{quad} .\n" for quad in dataset)).encode()
