"""Standing sources: lists elsewhere that say who is trusted, fetched anew before they end. Service."""
