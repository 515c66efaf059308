"""The processes of a node: started, supervised, replaced."""
