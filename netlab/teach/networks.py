"""Networks that more than one chapter begins with."""
from netlab import Network


def two_hosts(**how):
    """A new network of alice and bob and one cable between them, which gets `how`: (network, alice, bob, cable)."""
    net = Network()
    alice, bob = net.host("alice"), net.host("bob")
    for host in (alice, bob):       # what TCP would do after a few milliseconds, or not, as the machine is busy (tcp(7))
        host.sysctl("net.ipv4.tcp_early_retrans", 0)
        host.sysctl("net.ipv4.tcp_comp_sack_nr", 0)
    return net, alice, bob, net.cable(alice, bob, **how)
