"""`touchstone status`: sets of status entries, and the lists that are published of them."""
