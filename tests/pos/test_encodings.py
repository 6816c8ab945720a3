"""Which encoding a line is read in."""

from __future__ import annotations

import pytest

from camtrace.pos.encodings import Encodings


def test_nothing_set() -> None:
    """The listener's."""
    assert Encodings().of(b"1|0|7|0|A", "10.0.0.1", "cp858") == "cp858"


def test_by_name() -> None:
    """As bytes: spaces, NUL and a byte order mark around field 0 do not matter, capitals do."""
    encodings = Encodings({"CAISSE 2": "cp1251", "1": "cp866"})
    for line in (b"CAISSE 2|0", b" CAISSE 2 |0", b"\0CAISSE 2|0", b"\xef\xbb\xbfCAISSE 2|0"):
        assert encodings.of(line, "10.0.0.1", "auto") == "cp1251"
    assert encodings.of(b"1|0", "10.0.0.1", "auto") == "cp866"
    for line in (b"caisse 2|0", b"CAISSE 21|0", b"01|0", b"", b"no till line"):
        assert encodings.of(line, "10.0.0.1", "auto") == "auto"


def test_by_a_name_in_its_own_letters() -> None:
    """The name is what it is in its own encoding."""
    encodings = Encodings({"КАССА 3": "cp866", "Épicerie": "auto"})
    assert encodings.of("КАССА 3|0".encode("cp866"), "x", "utf-8") == "cp866"
    assert encodings.of("КАССА 3|0".encode("cp1251"), "x", "utf-8") == "utf-8"
    for written in ("utf-8", "cp1252", "cp858"):
        assert encodings.of("Épicerie|0".encode(written), "x", "cp866") == "auto"


@pytest.mark.parametrize(
    ("peer", "encoding"),
    [
        ("192.168.1.40", "cp866"),
        ("::ffff:192.168.1.40", "cp866"),
        ("192.168.1.41", "koi8-r"),
        ("192.168.2.1", "cp1251"),
        ("10.0.0.1", "auto"),
        ("fe80::1%eth0", "cp850"),
        ("local", "auto"),
    ],
)
def test_by_address(peer: str, encoding: str) -> None:
    """The smallest network that holds it, in whatever order they stand; a name wins."""
    encodings = Encodings(
        {
            "192.168.0.0/16": "cp1251",
            "192.168.1.0/24": "koi8-r",
            "192.168.1.40": "cp866",
            "fe80::/10": "cp850",
            "CAISSE": "utf-8",
        }
    )
    assert encodings.of(b"1|0", peer, "auto") == encoding
    assert encodings.of(b"CAISSE|0", peer, "auto") == "utf-8"


def test_what_is_set_while_running_wins() -> None:
    """Over the configuration; a till's name over its address; what is set no more counts no more."""
    encodings = Encodings({"1": "cp858", "10.0.0.1": "koi8-r"})
    encodings.set({"10.0.0.1": "cp866", "КАССА 3": "cp1251"})
    assert encodings.of(b"1|0", "10.0.0.1", "auto") == "cp866"
    assert encodings.of("КАССА 3|0".encode("cp1251"), "10.0.0.1", "auto") == "cp1251"
    assert encodings.of(b"1|0", "10.0.0.2", "auto") == "cp858"
    encodings.set({})
    assert encodings.of(b"2|0", "10.0.0.1", "auto") == "koi8-r"
