"""The audit trail for those who audit: read by pages, verified, signed at its head, and pushed to a collector."""
