"""Lists rendered, checked, published, mirrored and answered."""
