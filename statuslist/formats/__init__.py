"""What a status list is made of: bits, credentials, tokens, purposes. Pure."""
