"""Methods that others resolve for us."""
