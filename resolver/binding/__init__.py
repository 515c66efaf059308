"""A request for an identifier, from its bytes to an answer: DID Resolution over HTTPS."""
