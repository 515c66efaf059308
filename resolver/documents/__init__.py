"""DID documents: read, looked into, and written in the form that was asked for. Pure."""
