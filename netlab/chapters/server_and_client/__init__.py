"""Chapter 03, server_and_client."""
