"""
Commands that ask the operator API, wherever the server runs.
"""
