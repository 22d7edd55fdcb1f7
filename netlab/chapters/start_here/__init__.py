"""Chapter 00, start_here."""
