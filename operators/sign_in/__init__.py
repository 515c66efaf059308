"""People sign in with the organisation's identity provider: its tokens, its keys, and what claims grant."""
