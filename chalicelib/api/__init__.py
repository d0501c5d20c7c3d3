"""What the HTTP API needs besides its routes in app.py."""
