"""
A secured credential of any form, to its verified document: form, proof, key and issuer bound to one another.

    forms/      the bytes of each form to a `Secured`: what it says, and how it names its key
    keys/       whose key that is: of a DID, of an issuer's metadata, of a certificate
    verifying   both together
    claims      what a verifier wants to know of a document, in whichever model: types, times, status entries

Nothing here keeps state but for keys and metadata that were fetched, for as long as they are fresh.
"""
