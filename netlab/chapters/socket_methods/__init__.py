"""Chapter 04, socket_methods."""
