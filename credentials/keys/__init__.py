"""Whose key it is that signed."""
