"""Answers to authentication challenges, against the examples of the RFCs."""

from __future__ import annotations

import hashlib
import re
from unittest.mock import patch

import pytest

from camtrace.challenge import Challenge, answer, digest_response, read_challenges


def test_basic() -> None:
    (challenge,) = read_challenges(['Basic realm="WallyWorld"'])
    assert answer(challenge, "GET", "/", "Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest(algorithm: str, response: str) -> None:
    """RFC 7616 section 3.9.1."""
    header = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    (challenge,) = read_challenges([header])
    with patch("secrets.token_hex", return_value="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"):
        said = answer(challenge, "GET", "/dir/index.html", "Mufasa", "Circle of Life")
    assert re.search(r'response="(\w+)"', said)[1] == response  # type: ignore[index]
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in said
    assert said.endswith(f"qop=auth, nc=00000001, algorithm={algorithm}")


def test_digest_without_qop() -> None:
    """As RTSP cameras ask (RFC 2617 section 3.2.2.1, without qop)."""
    (challenge,) = read_challenges(['Digest realm="r", nonce="n"'])
    said = answer(challenge, "DESCRIBE", "rtsp://h/x", "u", 'p"')
    assert "qop" not in said and 'uri="rtsp://h/x"' in said


@pytest.mark.parametrize(
    ("headers", "schemes"),
    [
        (['Basic realm="a"', 'Digest realm="b", nonce="n"'], ["digest", "basic"]),
        (['Basic realm="a", Digest realm="b, c", nonce="n"'], ["digest", "basic"]),
        (['Digest realm="b", nonce="n", algorithm=SHA-512', "basic realm=a"], ["basic"]),
        (["Negotiate", ""], []),
    ],
)
def test_choice(headers: list[str], schemes: list[str]) -> None:
    """Digest before Basic, whatever the order; what cannot be answered is left out."""
    assert [one.scheme for one in read_challenges(headers)] == schemes


def test_stale() -> None:
    assert Challenge("digest", {"stale": "TRUE"}).stale
    assert not Challenge("digest").stale


def test_response_of_the_rfc() -> None:
    """The example of RFC 7616 section 3.9.1, MD5 and SHA-256."""
    fields = {
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
    }
    text, uri = b"Mufasa:http-auth@example.org:Circle of Life", "/dir/index.html"
    md5, sha = hashlib.md5(text).hexdigest(), hashlib.sha256(text).hexdigest()
    assert digest_response(md5, "GET", uri, fields) == "8ca523f5e9506fed4657c9700eebdbec"
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest_response(sha, "GET", uri, fields, "SHA-256") == expected
