"""
What `make bench` measures: each figure beside a rival in the same run, on the same machine.
"""
