"""Counters, log lines, what the processes of a node share, and health."""
