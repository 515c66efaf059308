"""Formats that a registry can be written as, one file each; the first is our own registry file."""
