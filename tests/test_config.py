"""The configuration file: all faults at once, and the sample that ships is the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from camtrace import assets, config
from camtrace.errors import ConfigError
from camtrace.pos import wire


def test_sample_equals_defaults() -> None:
    """etc/camtrace.toml says what the program does without a file."""
    assert config.load(assets.etc() / "camtrace.toml") == config.load(None)


def test_sample_names_every_key() -> None:
    """No key is left out of the sample, and each one has its comment."""
    text = (assets.etc() / "camtrace.toml").read_text()
    reader_keys = [
        line.split("=")[0].strip() for line in text.splitlines() if "=" in line and not line.startswith(("#", "["))
    ]
    fields = [
        name
        for section in config.Config.__dataclass_fields__.values()
        if hasattr(section.default, "__dataclass_fields__")
        for name in section.default.__dataclass_fields__
    ]
    assert sorted(reader_keys) == sorted(fields)
    for line in text.splitlines():
        assert not line or line.startswith(("[", "#")) or "#" in line, line


def test_all_faults_at_once() -> None:
    """A file with five faults gets five sentences, each with its key."""
    text = """
    colour = "red"
    [site]
    timezone = "Mars/Olympus"
    [listen]
    web = "tcp:eighty"
    wep = "tcp:8000"
    [pos]
    encoding = "ebcdic"
    [workers]
    jobs = "many"
    """
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    problems = "\n".join(caught.value.problems)
    for word in ["colour", "[site] timezone", "[listen] web", "[listen] wep", "[pos] encoding", "[workers] jobs"]:
        assert word in problems
    assert len(caught.value.problems) == 6


def test_days_of_journals() -> None:
    """As many as rules are tried on, or for ever."""
    assert config.parse("[storage]\njournal_days = 0").storage.journal_days == 0
    assert config.parse("[storage]\njournal_days = 31").storage.journal_days == 31
    with pytest.raises(ConfigError) as caught:
        config.parse("[storage]\njournal_days = 30\nline_days = -1")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "[storage] line_days",
        "[storage] journal_days",
    ]


def test_encodings() -> None:
    """Every encoding that the till protocol reads can be set."""
    assert config.ENCODINGS == wire.ENCODINGS


def test_not_toml() -> None:
    """A file that is no TOML says where it breaks."""
    with pytest.raises(ConfigError, match="line 1"):
        config.parse("= 3")


def test_missing_file() -> None:
    """A file that is not there is one sentence with its name."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        config.load(Path("/nonexistent/nowhere.toml"))


def test_installed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first place that has one; none at all where nothing was installed."""
    places = (tmp_path / "a.toml", tmp_path / "b.toml")
    monkeypatch.setattr(config, "INSTALLED", places)
    assert config.installed() is None
    places[1].touch()
    assert config.installed() == places[1]
    places[0].touch()
    assert config.installed() == places[0]


def test_installed_files_are_those_of_the_services() -> None:
    """What the service files and the manual say."""
    units = (assets.etc() / "systemd/camtrace.service").read_text() + (assets.etc() / "rc.d/camtrace").read_text()
    for path in config.INSTALLED:
        assert str(path) in units


def test_pos_listeners() -> None:
    """One endpoint, a list, a table with a dialect, and off."""
    both = config.parse('[listen]\npos = ["tcp:8010", {endpoint = "tcp:8080", dialect = "camtrace"}]').listen.pos
    assert [listener.endpoint for listener in both] == ["tcp:8010", "tcp:8080"]
    assert config.parse('[listen]\npos = ""').listen.pos == ()
    (own,) = config.parse('[listen]\npos = [{endpoint = "tcp:8010", dialect = "our tills"}]').listen.pos
    assert own.dialect == "our tills"  # whether there is one, the database knows
    with pytest.raises(ConfigError, match="dialect"):
        config.parse('[listen]\npos = [{endpoint = "tcp:8010", dialect = 3}]')


def test_encodings_of_tills() -> None:
    """By listener, by name, by address; the table may be a section."""
    parsed = config.parse(
        '[listen]\npos = [{endpoint = "tcp:8010", dialect = "camtrace", encoding = "cp1251"}, "tcp:8011"]\n'
        '[pos.encodings]\n"CAISSE 2" = "cp1251"\n"192.168.1.40" = "cp866"\n"КАССА" = "koi8-r"\n'
    )
    assert [listener.encoding for listener in parsed.listen.pos] == ["cp1251", ""]
    assert dict(parsed.pos.encodings) == {"CAISSE 2": "cp1251", "192.168.1.40": "cp866", "КАССА": "koi8-r"}


def test_faults_of_tills_at_once() -> None:
    """Each with its key."""
    text = """
    [listen]
    pos = [{endpoint = "tcp:8010", encoding = "ebcdic"}, {endpoint = "tcp:8011", encoding = 1251, speed = 9600}]
    [pos]
    sources = ["1.2.3.999", "192.168.1.0/24", "CAISSE 1", "fe80::zz", "1.2.3.4/33", "10.0.0.0.1"]
    [pos.encodings]
    "CAISSE 2" = "cp1521"
    "КАССА" = "cp1252"
    "192.168.1.400" = "cp1251"
    """
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    said = "\n".join(caught.value.problems)
    for words in (
        "not 'ebcdic'",
        "not 1251",
        "unknown key 'speed'",
        "[pos] sources: must be an address such as 192.168.1.20 or 192.168.1.0/24, not '1.2.3.999'",
        "not '1.2.3.4/33'",
        "not '10.0.0.0.1'",
        "[pos] encodings 'CAISSE 2': must be one of auto, utf-8",
        "[pos] encodings: 'КАССА' cannot be written in cp1252",
        "[pos] encodings: must be an address such as 192.168.1.20 or 192.168.1.0/24, not '192.168.1.400'",
    ):
        assert words in said
    assert len(caught.value.problems) == 9


@pytest.mark.parametrize("name", ["1", "01", "CAISSE 2", "1.2", "3:4", "10.1.2", "A:B", "12/3"[:2], "::1", "10.0.0.7"])
def test_names_of_tills(name: str) -> None:
    """What does not look like an address is a name."""
    assert config.parse(f'[pos]\nsources = ["{name}"]').pos.sources == (name,)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("web", "tcp:99999"),
        ("rtsp", "tcp:70000:interface=127.0.0.1"),
        ("pos", "ssl:65536:privateKey=/dev/null:certKey=/dev/null"),
        ("web", "tcp:8000:interface=127.0.0.300"),
        ("control", "tcp:x"),
        ("control", "tcp:99999"),
        ("prisma", "udp:abc"),
        ("prisma", "udp:99999"),
        ("prisma", "tcp:21845"),
        ("prisma", "udp"),
        ("prisma", "udp:21845:interface=1.2.3.999"),
        ("ftp", "2121"),
        ("ftp", "tcp:2121:speed=9"),
    ],
)
def test_bad_listeners(key: str, value: str) -> None:
    """Told while the file is read, not when the port is opened."""
    with pytest.raises(ConfigError) as caught:
        config.parse(f'[listen]\n{key} = "{value}"')
    (problem,) = caught.value.problems
    assert problem.startswith(f"[listen] {key}: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("web", "tcp:0"),
        ("web", "tcp:port=8000:interface=127.0.0.1"),
        ("web", "tcp6:8000:interface=\\\\:\\\\:1"),
        ("web", "tcp:8000:interface=localhost:backlog=70000"),
        ("web", "unix:/run/camtrace/web"),
        ("control", "tcp:8001"),
        ("prisma", "udp:21845:interface=127.0.0.1"),
        ("ftp", "tcp:2121"),
        ("ftp", ""),
    ],
)
def test_good_listeners(key: str, value: str) -> None:
    """None of these is refused."""
    config.parse(f'[listen]\n{key} = "{value}"')


def test_web_address() -> None:
    """A link needs a whole address."""
    assert config.parse('[web]\nurl = "https://cctv.shop"').web.url == "https://cctv.shop"
    with pytest.raises(ConfigError, match=r"\[web\] url"):
        config.parse('[web]\nurl = "cctv.shop"')


def test_later_receivers() -> None:
    """Sections of parts this version lacks are told, not refused: one file serves both versions."""
    parsed = config.parse('[mail]\nfrom = "camtrace@shop"')
    assert len(parsed.notices) == 1


def test_prisma_sources() -> None:
    """Addresses, networks and sources; anything else would let nobody in."""
    entries = ("192.168.1.0/24", "KKM:12", "fe80::1")
    assert config.parse(f"[prisma]\nsources = {list(entries)}").prisma.sources == entries
    for wrong in ("till", "KKM", "KKM:", "10.0.0.999"):
        with pytest.raises(ConfigError, match=r"\[prisma\] sources"):
            config.parse(f'[prisma]\nsources = ["{wrong}"]')


def test_relative_folders(tmp_path: Path) -> None:
    """The data folder is relative to the file, volumes to the data folder; --data wins."""
    file = tmp_path / "camtrace.toml"
    file.write_text('[data]\ndirectory = "d"\n[storage]\nvolumes = ["v", "/mnt/w"]')
    parsed = config.load(file)
    assert parsed.data.directory == tmp_path / "d"
    assert parsed.volume_folders() == (tmp_path / "d" / "v", Path("/mnt/w"))
    assert config.load(file, tmp_path / "e").data.directory == tmp_path / "e"


def test_ftp() -> None:
    """One login for all cameras; the password that everybody knows can be told from others."""
    default = config.parse("")
    assert (default.listen.ftp, default.ftp.uses_default_password) == ("tcp:2121", True)
    assert config.parse('[listen]\nftp = ""').listen.ftp == ""
    parsed = config.parse(
        '[ftp]\nuser = "cam"\npassword = "s3cret word"\npassive_ports = "50000-50099"\n'
        'masquerade_address = "203.0.113.7"\nallow = ["192.168.1.0/24", "fd00::1"]\nconnections = 50\npicture_mb = 2'
    ).ftp
    assert (parsed.user, parsed.password, parsed.uses_default_password) == ("cam", "s3cret word", False)
    assert (parsed.passive_ports, parsed.allow) == ((50000, 50099), ("192.168.1.0/24", "fd00::1"))
    assert (parsed.masquerade_address, default.ftp.masquerade_address) == ("203.0.113.7", "")
    assert "s3cret" not in repr(parsed)


def test_faults_of_ftp_at_once() -> None:
    """Each with its key, and the password in none."""
    text = """
    [ftp]
    user = ""
    password = "secret\\nword"
    passive_ports = "50099-50000"
    masquerade_address = "fd00::1"
    allow = ["camera-3"]
    connections = 0
    picture_mb = 65
    """
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    keys = ("user", "password", "passive_ports", "masquerade_address", "allow", "connections", "picture_mb")
    for key, problem in zip(keys, caught.value.problems, strict=True):
        assert problem.startswith(f"[ftp] {key}: ")
        assert "secret" not in problem


@pytest.mark.parametrize("ports", ["50000", "80-90", "50000-70000", "a-b", "50000-"])
def test_bad_passive_ports(ports: str) -> None:
    """Neither half a range nor one that an ordinary user may not open."""
    with pytest.raises(ConfigError, match="passive_ports"):
        config.parse(f'[ftp]\npassive_ports = "{ports}"')
