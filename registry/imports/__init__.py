"""Formats that a registry can be read from, one file each; the first is our own registry file."""
