"""Chapter 02, ip_addresses."""
