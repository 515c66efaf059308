"""
Lists of trusted entities (ETSI TS 119 602 v1.1.1, "LoTE") as JSON, signed with JAdES, compact, baseline B. Pure.

In three steps: `signature` says whether the list is from whom it should be, `reading` whether it is in force,
`meaning` what it says in our words. Nothing is read of a list that is not from whom it should be.
"""
