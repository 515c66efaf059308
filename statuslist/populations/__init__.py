"""All lists of an issuer, for whoever holds them whole: named, followed, bundled."""
