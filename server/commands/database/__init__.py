"""
Commands that open the database: `init`, `db` and `break-glass`.
"""
