"""
RDFC-1.0 by an RDF library, with the real v2 context in the place of its URL.
"""

import json

import pyoxigraph
from pyoxigraph import CanonicalizationAlgorithm

from credentials.rdf.contexts import known_contexts
from proofs import JsonObject

CONTEXT = known_contexts(None)["https://www.w3.org/ns/credentials/v2"]


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
