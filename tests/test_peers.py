"""Who may connect to a listener, and who gives way where all places are taken."""

from __future__ import annotations

import pytest

from camtrace.peers import Peers, Places


def test_networks() -> None:
    peers = Peers(["10.0.0.0/24", " 192.168.1.7 ", "fd00::/8"])
    assert all(map(peers.admits, ("10.0.0.9", "192.168.1.7", "::ffff:10.0.0.9", "fd00::1%eth0", "local")))
    assert not any(map(peers.admits, ("10.0.1.9", "192.168.1.8", "::1")))
    assert Peers().admits("10.0.1.9")
    with pytest.raises(ValueError, match="till"):
        Peers(["till"])


class Listener:
    """Four places, three of one address; connections are numbers."""

    def __init__(self) -> None:
        self.gave_way: list[tuple[str, int]] = []
        self.places: Places[int] = Places(4, 3, lambda *who: self.gave_way.append(who))

    @property
    def counts(self) -> dict[str, int]:
        return {peer: len(those) for peer, those in self.places.of.items()}

    def come(self, peer: str, number: int) -> str:
        """ "" where it is let in, else why not."""
        full = self.places.refused(peer)
        if full is not None:
            return full.code
        self.places.take(peer, number)
        return ""


def test_limits() -> None:
    listener = Listener()
    assert [listener.come("a", number) for number in range(4)] == ["", "", "", "too_many"]
    for number in range(3):
        listener.places.spoke("a", number)
    assert [listener.come("b", 4), listener.come("b", 5)] == ["", "crowd"]
    assert listener.places.refused("b") == ("crowd", 4, "4 connections are open")
    assert listener.places.refused("a") == ("too_many", 3, "it has 3 connections open")
    listener.places.free("a", 0)
    listener.places.free("a", 0)
    assert (listener.counts, listener.come("b", 5), listener.gave_way) == ({"a": 2, "b": 1}, "", [])


def test_the_oldest_silent_one_of_who_has_most_gives_way() -> None:
    listener = Listener()
    for number in range(3):
        listener.come("a", number)
    listener.come("b", 3)
    listener.places.spoke("a", 0)
    assert (listener.come("c", 4), listener.gave_way) == ("", [("a", 1)])
    assert (listener.places.taken, listener.counts) == ({0, 2, 3, 4}, {"a": 2, "b": 1, "c": 1})
    assert listener.come("d", 5) == "crowd"  # each of the others has hardly more
    listener.places.said_nothing("a", 0)
    assert (listener.come("d", 5), listener.gave_way[1:]) == ("", [("a", 2)])
    listener.places.said_nothing("a", 1)  # it is gone
    assert listener.come("e", 6) == "crowd"
