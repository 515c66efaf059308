"""Does a credential still hold: lists fetched, believed and read."""
