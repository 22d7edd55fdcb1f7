"""The conversations that the predictions of chapter 06 are drawn from: those of the cells that follow them."""
from netlab import Timeline
from netlab.chapters.message_sticking.tools import recorded, wait_for
from netlab.teach.workbench import attempt


def two_prices() -> Timeline:
    """Part 1: both prices have come before the till looks."""
    timeline = Timeline()
    with recorded(timeline) as (customer, till):
        customer.sendall(b"3")
        customer.sendall(b"12")
        wait_for(till, 3)
        till.recv(1024)
    return timeline


def deadlock() -> Timeline:
    """Part 6, cure 1: half an order, and an ok that is waited for too early."""
    timeline = Timeline()
    with recorded(timeline) as (customer, till):
        customer.settimeout(0.3)
        till.settimeout(0.3)
        customer.sendall(b"wine 2")
        till.recv(16)
        attempt(till.recv, 16)
    return timeline


def read_ahead() -> Timeline:
    """Part 6, cure 5: a file reads a line."""
    timeline = Timeline()
    with recorded(timeline) as (customer, till), till.makefile("rb") as file:
        customer.sendall(b"tea 3\nwine 250\n")
        wait_for(till, 15)
        file.readline()
    return timeline


def cut_short() -> Timeline:
    """Part 6, cure 6: a program that ends in the middle of its message."""
    timeline = Timeline()
    with recorded(timeline) as (customer, till):
        customer.sendall(b"wine 2")
        customer.close()
        while till.recv(1024):
            pass
    return timeline
