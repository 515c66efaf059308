"""HTTP manners: the protocol, the layer in front of the applications, the hot table, limits and problems."""
