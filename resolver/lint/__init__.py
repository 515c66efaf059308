"""What is doubtful about a DID document."""
