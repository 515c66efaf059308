"""
Which release this is; the schema of a database knows the oldest that may use it (`storage.migrations`). Pure.
"""

RELEASE = "0.3.0"
