"""
May I rely on this credential now? One question over all that Touchstone knows.

It imports neither Litestar nor an engine but in `routes`: what it asks of keys, registry and lists is handed in.
"""
