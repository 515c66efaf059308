"""After a loss: what was published is found again, and never contradicted."""
