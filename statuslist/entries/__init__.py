"""Status sets and their entries: allocated, changed, remembered."""
