"""The HTTP face: REST with OpenAPI 3.1, a WebSocket of live state, the pages."""
