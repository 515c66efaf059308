"""
What `make bench-peers` measures: our resolver beside those of others, at pinned versions, on the same machine.

`tools/peers.sh` installs them into `var/peers`. What cannot be installed is a line that says "not measured".
"""
