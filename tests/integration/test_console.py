"""The `camtrace` command as an administrator types it: what it prints, what it refuses, in one line each."""

from __future__ import annotations

import getpass
import io
import re
import unittest
from contextlib import closing, redirect_stderr, redirect_stdout
from unittest import mock

import psycopg2
from support.cluster import cluster
from support.needs import needs
from support.server import Server
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from camtrace import cli
from camtrace.i18n import Translations
from camtrace.model import JournalEntry
from camtrace.notes import words

GOOD = "correct horse battery"
DATABASE = "console_test"
FIELDS = ("id", "at", "kind", "text", "values", "user")


@needs("postgresql")
class ConsoleTests(TestCase):
    """Commands on a database that nobody else uses, done in this process: `CommandTests` have one of their own."""

    timeout = 120

    @classmethod
    def setUpClass(cls) -> None:
        cluster().make(DATABASE)
        cls.addClassCleanup(cluster().drop, DATABASE)
        cls.server = Server(dsn=cluster().dsn(DATABASE))
        cls.addClassCleanup(cls.server.remove)

    async def done(self, *words: str, text: str = "") -> tuple[int, str, str]:
        """Exit status, output and errors of a command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), mock.patch("sys.stdin", io.StringIO(text)):
            arguments = cli.parser().parse_args(["--config", str(self.server.config), *words])
            settings = cli.settings_for(arguments)
            status = 1 if settings is None else await cli.perform(reactor, arguments, settings)
        return status, out.getvalue(), err.getvalue()

    async def said(self, *words: str, text: str = "") -> str:
        """What a command that succeeds prints."""
        status, out, err = await self.done(*words, text=text)
        self.assertEqual((status, err), (0, ""))
        return out

    async def refused(self, *words: str, text: str = "") -> str:
        """The one line of a command that fails."""
        status, out, err = await self.done(*words, text=text)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"\Acamtrace: [^\n]+\n\Z")
        return err

    def create(self, name: str, profile: str = "viewer", password: str = GOOD) -> list[str]:
        file = self.server.folder / f"{name}.password"
        file.write_text(f"{password}\nwhat follows the first line is not looked at\n")
        return ["user", "create", name, "--profile", profile, "--password-file", str(file)]

    def told(self, name: str) -> list[str]:
        """What the journal tells of `name`, oldest first, without who did it: the account that typed it."""
        sql = "select id, at, kind, text, args, account from journal where kind = 'audit' order by id"
        with closing(psycopg2.connect(cluster().dsn(DATABASE))) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            sentences = [
                words(JournalEntry(**dict(zip(FIELDS, row, strict=True))), Translations("en"))
                for row in cursor.fetchall()
            ]
        who = f"Somebody at the console ({getpass.getuser()}) "
        return [said.removeprefix(who) for said in sentences if said.startswith(who) and name in said]

    async def test_users(self) -> None:
        """Made, listed, renamed, given another password, locked and unlocked; all of it stands in the journal."""
        self.assertEqual(await self.said(*self.create("anna", "operator")), "user anna created with profile operator\n")
        self.assertIn("anna\toperator\n", await self.said("user", "list"))
        self.assertIn(
            "changed", await self.said("user", "password", "anna", "--password-file", "-", text="another long one\n")
        )
        await self.said("user", "lock", "anna")
        self.assertIn("anna\toperator\tlocked\n", await self.said("user", "list"))
        self.assertEqual(await self.said("user", "unlock", "anna"), "anna is unlocked\n")
        self.assertIn("anna", await self.refused(*self.create("anna")))
        await self.said(*self.create("carla"))
        self.assertIn("already a user CARLA", await self.refused("user", "rename", "anna", "CARLA"))
        self.assertIn("user anna is Anne from now on", await self.said("user", "rename", "anna", "Anne"))
        self.assertEqual(await self.said("user", "remove", "ANNE"), "user Anne is removed\n")
        told = [
            "added the user anna with the profile operator.",
            "gave anna another password.",
            "locked anna.",
            "unlocked anna.",
            "called the user anna Anne.",
        ]
        self.assertEqual(self.told("anna"), told)
        self.assertEqual(self.told("Anne"), [told[-1], "removed the user Anne."])

    async def test_profiles(self) -> None:
        """Listed; a right given and taken away; that of the administrators stays."""
        self.assertIn("viewer\tlive,replay\tall cameras\t", await self.said("profile", "list"))
        self.assertEqual(
            await self.said("profile", "allow", "viewer", "lines"), "viewer may now: live, replay, lines\n"
        )
        self.assertEqual(await self.said("profile", "deny", "viewer", "lines"), "viewer may now: live, replay\n")
        self.assertIn("always has every right", await self.refused("profile", "deny", "administrator", "cards"))
        right = "Look for tickets and their lines"
        self.assertEqual(
            self.told("right"),
            [f"gave the profile viewer a right: {right}.", f"took a right from the profile viewer: {right}."],
        )

    async def test_tokens_and_links(self) -> None:
        """A token and a player password stand alone on the last line; a link leads to the set-up page."""
        await self.said(*self.create("boris"))
        self.assertRegex((await self.said("token", "create", "boris")).splitlines()[-1], r"\A[\w-]{20,}\Z")
        self.assertRegex((await self.said("user", "player", "boris")).splitlines()[-1], r"\A\S{12,}\Z")
        self.assertRegex(await self.said("link"), rf"http://127\.0\.0\.1:{self.server.web}/setup\?code=\S{{20,}}\n\Z")
        told = ["made a token by which programs act as boris.", "made a new player password of boris."]
        self.assertEqual(self.told("boris")[1:], told)
        self.assertEqual(self.told("link"), ["made a link by which somebody becomes an administrator."])

    async def test_unknown_names(self) -> None:
        """Whoever and whatever does not exist is named."""
        self.assertIn("there is no user 'carl'", await self.refused("token", "create", "carl"))
        self.assertIn("there is no user 'carl'", await self.refused("user", "unlock", "carl"))
        self.assertIn("nobody", await self.refused(*self.create("carl", profile="nobody")))

    async def test_password_files(self) -> None:
        """The first line counts, with at least twelve characters; a file that cannot be read is named."""
        self.assertIn("12 characters", await self.refused(*self.create("dora", password="eleven char")))
        self.assertIn("12 characters", await self.refused(*self.create("dora", password="")))
        await self.said(*self.create("dora", password="twelve chars"))
        absent = await self.refused("user", "password", "dora", "--password-file", "/nonexistent/file")
        self.assertIn("the password file /nonexistent/file cannot be read: No such file", absent)
        binary = self.server.folder / "binary"
        binary.write_bytes(b"\xff\xfe\x00 long enough, but no text")
        self.assertIn("not UTF-8", await self.refused("user", "password", "dora", "--password-file", str(binary)))

    async def test_bad_configuration(self) -> None:
        """The configuration's faults come in one line, with the file's name."""
        bad = self.server.folder / "bad.toml"
        bad.write_text('[site]\nlanguage = "xx"\n[web]\nurl = 1\n')
        words = await self.refused("--config", str(bad), "user", "list")
        self.assertRegex(words, r"bad\.toml: \[site\] language: .*\[web\] url: ")


@needs("postgresql")
class CommandTests(unittest.TestCase):
    """The command as a process."""

    def test_version_and_nonsense(self) -> None:
        """The version needs no database; a word that is no command ends with 2 and the list of commands."""
        server = Server(first=True)
        self.addCleanup(server.remove)
        told = server.command("version")
        self.assertRegex(told.stdout, r"\ACamTrace \d+\.\d+\.\d+\n\Z")
        done = server.command("dance", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertTrue(re.search(r"user.*token.*link.*version.*demo", done.stderr, re.DOTALL), done.stderr)
