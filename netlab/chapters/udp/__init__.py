"""Chapter 05, udp."""
