"""
Who we are: the DID documents that we serve, and the keys that sign for them.

The service's own DID is did:web of the public URL, its document at `/.well-known/did.json`; an issuer that we
host is `did:web:<host>:issuers:<id>`, at `/issuers/<id>/did.json`. Documents are made of the rows of issuers' keys
(`operators.issuers`), so that they are served while no private key can be read.

No other DID is answered from here: a foreign DID's document is its owner's to publish, and is fetched as anybody's.
"""
