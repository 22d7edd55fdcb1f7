"""Hosts, routers and cables of one's own, over the real TCP/IP of Linux, and the packets that passed."""
