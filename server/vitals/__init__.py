"""How this node fares, and how it sees the others: heartbeats, the watchdog, disk, clock, silent nodes."""
