"""Questions to the registry, answered from what it knew at one recorded time."""
