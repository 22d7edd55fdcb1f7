"""Chapter 01, tcp_ip."""
