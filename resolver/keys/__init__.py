"""Public keys: their types, encodings and checks. Pure."""
