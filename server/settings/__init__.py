"""What an operator can set: read, checked, and turned into what it means."""
