"""Where documents come from, and how long they are kept."""
