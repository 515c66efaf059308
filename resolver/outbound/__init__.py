"""The only network of the resolver: fetches behind the guard."""
