"""The forms of a secured credential, each to a `Secured`."""
