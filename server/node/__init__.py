"""The processes of a node: started, watched, replaced; and this node among others."""
