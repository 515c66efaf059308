"""What the server itself answers: identity, health, OpenAPI, pages, explain."""
