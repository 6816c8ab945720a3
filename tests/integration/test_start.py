"""The server as a process: it starts, says what is wrong, and stops without a trace."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from support.cluster import cluster
from support.needs import needs
from support.outside import soon
from support.ports import free_ports
from support.server import BIN, ROOT, Server


def processes_of(server: Server) -> list[str]:
    """The command lines of all processes that work in the server's folder."""
    listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(server.folder) in line]


def another_account() -> pwd.struct_passwd:
    """Nobody, if we are root and nobody can reach this Python and this project; else ourselves."""
    folders = [Path(sys.base_prefix), BIN, ROOT]
    reachable = all(part.stat().st_mode & 0o001 for folder in folders for part in (folder, *folder.parents))
    return pwd.getpwnam("nobody") if os.geteuid() == 0 and reachable else pwd.getpwuid(os.geteuid())


@needs("postgresql")
class StartTests(unittest.TestCase):
    """`twistd -n camtrace`, as an administrator meets it."""

    def server(self, dsn: str = "", extra: str = "", first: bool = False) -> Server:
        server = Server(dsn, extra, first=first)
        self.addCleanup(server.remove)
        return server

    def test_private_database(self) -> None:
        """The first start makes everything, prints the link, is healthy; SIGTERM leaves no process behind."""
        server = self.server(first=True).start(wait=False)
        self.assertRegex(server.wait_for("/setup?code="), r"http://\S+/setup\?code=\S{20,}")
        server.wait_for("CamTrace is ready")
        steps = sorted(path.stem for path in (ROOT / "camtrace/store/migrations").glob("*.sql"))
        told = [line for line in server.output if any(step in line for step in steps)]
        self.assertEqual([line.rpartition(" ")[2] for line in told], steps)  # each once
        self.assertEqual(server.call("GET", "/api/v1/health")[1]["status"], "ok")
        postmaster = int((server.folder / "data/database/cluster/postmaster.pid").read_text().split()[0])
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 10)
        with self.assertRaises(ProcessLookupError):
            os.kill(postmaster, 0)

    def test_killed_and_started_again(self) -> None:
        """After kill -9 the next start adopts the database that was left running, and knows which camera was lost."""
        server = self.server().start()
        server.administrator()
        body = {"name": "dead", "url": f"rtsp://127.0.0.1:{free_ports(1)[0]}/"}
        self.assertEqual(server.call("POST", "/api/v1/cameras", body)[0], 201)
        (before,) = self.lost(server, 1)
        self.assertEqual((before["name"], before["code"], before["back_at"]), ("dead", "refused", None))
        server.kill()
        server.start()
        self.assertTrue(any("adopted" in line for line in server.output))
        again, ended = self.lost(server, 2)
        self.assertEqual((ended["id"], ended["ending"], again["ending"]), (before["id"], "stopped", None))
        self.assertLessEqual(ended["back_at"], again["lost_at"])
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def lost(server: Server, count: int) -> list[Any]:
        """The journal of lost cameras, as soon as it has so many entries."""

        def found() -> list[Any]:
            items = server.get("/api/v1/disconnections")["items"]
            return items if len(items) == count else []

        return soon(found, "the journal of lost cameras")

    def test_console_without_server(self) -> None:
        """The command works while no server runs, and stops the database it started; it finds the configuration of the
        installed server."""
        server = self.server(first=True)
        server.administrator()
        self.assertFalse((server.folder / "data/database/cluster/postmaster.pid").exists())
        failed = server.command(
            "user", "password", "nobody", "--password-file", "-", text="long enough text", check=False
        )
        self.assertEqual((failed.returncode, failed.stderr), (1, "camtrace: there is no user 'nobody'\n"))
        script = (
            "import sys; from pathlib import Path; from camtrace import cli, config\n"
            "config.INSTALLED = (Path(sys.argv[1]),)\n"
            "sys.exit(cli.main(['user', 'list']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, server.config], cwd=ROOT, capture_output=True, text=True, timeout=90
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "admin\tadministrator\n", ""))

    def test_busy_port(self) -> None:
        """A port that is taken is named with its key, in one line, and the start ends with 1."""
        server = self.server(first=True)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", server.pos))
            taken.listen()
            server.start(wait=False)
            self.assertEqual(server.process.wait(60), 1)
        self.assertIn("camtrace: [listen] pos:", "\n".join(server.output))
        self.assertIn("Address already in use", server.output[-1])

    def test_bad_configuration(self) -> None:
        """Every fault of the file is told at once."""
        server = self.server(first=True, extra='colour = "red"\n[rtsp]\nanonymous = "yes"')
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        text = "\n".join(server.output)
        self.assertIn("[storage] colour: unknown key", text)
        self.assertIn("[rtsp] anonymous", text)

    def test_unusable_folder(self) -> None:
        """A data folder that is a file is one clear line."""
        server = self.server(first=True)
        (server.folder / "data").write_text("not a folder")
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("camtrace: the folder", server.output[-1])

    def test_mistyped_volume(self) -> None:
        """A folder of footage that cannot be: one line before anything is made, and after, when a database is there."""
        server = self.server(first=True, extra='volumes = ["/nonexistent/deep", "/dev/null"]')
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        self.assertEqual(
            server.output,
            [
                "camtrace: [storage] volumes: the folder /nonexistent/deep cannot be made: /nonexistent does not exist;"
                " /dev/null is a file, not a folder"
            ],
        )
        self.assertFalse((server.folder / "data/database").exists())

        mistyped = server.config.read_text()
        server.config.write_text(mistyped.replace('volumes = ["/nonexistent/deep", "/dev/null"]', ""))
        server.start()
        self.assertEqual(server.stop(), 0)
        server.config.write_text(mistyped.replace(', "/dev/null"', ', "footage"'))
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        text = "\n".join(server.output)
        self.assertIn("camtrace: recording: [storage] volumes: the folder /nonexistent/deep cannot be made", text)
        self.assertNotIn("Traceback", text)

    def test_volume_that_is_not_mounted(self) -> None:
        """A known volume that is absent stops nothing: the console and the journal say so, its cameras are ignored."""
        disk = Path(tempfile.mkdtemp(prefix="camtrace-disk-"))
        disk.chmod(0o711)
        self.addCleanup(shutil.rmtree, disk)
        server = self.server(extra=f'volumes = ["{disk}/a/footage"]')
        (disk / "a").mkdir()
        server.start()
        server.administrator()
        status, _ = server.call("POST", "/api/v1/cameras", {"name": "Caisse", "url": "rtsp://127.0.0.1:9/x"})
        self.assertEqual((status, server.stop()), (201, 0))
        (disk / "a").rename(disk / "b")  # the folder above it is gone too
        server.start(wait=False)
        server.wait_for(f"nothing is recorded on {disk}/a/footage: the folder does not exist: is the disk mounted?")
        server.wait_for("CamTrace is ready")
        soon(
            lambda: any(
                f"Nothing is recorded on {disk}/a/footage" in entry["message"]
                for entry in server.get("/api/v1/journal?kind=system")["items"]
            ),
            "the journal's entry",
        )
        soon(lambda: server.get("/api/v1/cameras/1/status")["status"] == "ignored", "the camera's state")
        self.assertEqual(server.stop(), 0)

    def test_absent_database(self) -> None:
        """An external database that stays away ends the start after wait_seconds."""
        server = self.server(dsn="host=/nonexistent user=nobody")
        server.config.write_text(server.config.read_text().replace("wait_seconds = 20", "wait_seconds = 1"))
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("the database does not answer", "\n".join(server.output))

    def test_external_database(self) -> None:
        """A `dsn` is used as it is; a newer schema is refused."""
        name = "external_test"
        cluster().make(name)
        self.addCleanup(cluster().drop, name)
        server = self.server(dsn=cluster().dsn(name)).start()
        self.assertEqual(server.stop(), 0)
        cluster().run("insert into migration values (9999, 'future', 'x', now())", name)
        server.start(wait=False)
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("newer than this program", "\n".join(server.output))

    def test_daemon(self) -> None:
        """Without -n twistd goes into the background; the server works there too, and its pid file goes with it."""
        server = self.server()
        pid_file, log = server.folder / "twistd.pid", server.folder / "twistd.log"
        command = [BIN / "twistd", f"--pidfile={pid_file}", f"--logfile={log}", "camtrace", "--config", server.config]
        subprocess.run(command, cwd=ROOT, check=True, timeout=60)
        deadline = time.monotonic() + 60
        while "CamTrace is ready" not in (log.read_text() if log.exists() else ""):
            self.assertLess(time.monotonic(), deadline, log.read_text() if log.exists() else "no log")
            time.sleep(0.1)  # a daemon has no pipe to wait on
        pid = int(pid_file.read_text())
        self.assertEqual(server.call("GET", "/api/v1/health")[0], 200)
        os.kill(pid, 15)
        while pid_file.exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)


@needs("postgresql")
class TroubleTests(unittest.TestCase):
    """What ends early, comes twice, or hangs."""

    def server(self, folder: Path | None = None, first: bool = False) -> Server:
        server = Server(folder=folder, first=first)
        self.addCleanup(server.remove)
        return server

    def test_stopped_while_starting(self) -> None:
        """SIGTERM at any step of the first start: gone at once, no process, no half a cluster; the next start goes on
        from what is there."""
        server = self.server(first=True)
        for step in ("making the database", "database step 0001", "recordings looked through"):
            with self.subTest(step):
                server.start(wait=False)
                server.wait_for(step)
                began = time.monotonic()
                self.assertEqual(server.stop(), 0)
                self.assertLess(time.monotonic() - began, 10)
                self.assertEqual(processes_of(server), [])
                there = {path.name for path in (server.folder / "data/database").iterdir()}
                self.assertLessEqual(there, {"cluster", "postgres.log", "run"})
        server.start()
        self.assertEqual(server.stop(), 0)

    def test_killed_while_making_the_database(self) -> None:
        """kill -9 in the middle of initdb: the next start makes another one and tidies up."""
        server = self.server(first=True).start(wait=False)
        server.wait_for("making the database")
        server.kill()
        server.start()
        self.assertEqual(server.stop(), 0)
        self.assertEqual(list((server.folder / "data/database").glob("cluster.new*")), [])

    def test_two_servers_on_one_folder(self) -> None:
        """The second is refused in one line, at once, and the first goes on."""
        first = self.server().start()
        second = self.server(first.folder).start(wait=False)
        self.assertEqual(second.process.wait(60), 1)
        self.assertRegex(second.output[-1], r"\Acamtrace: the data folder \S+ is in use by another CamTrace server\Z")
        self.assertEqual(first.call("GET", "/api/v1/health")[0], 200)
        first.administrator()  # its database is its own still
        self.assertEqual(first.stop(), 0)

    def test_halted_database(self) -> None:
        """A database that does not answer delays the stop, but not beyond ten seconds; the till's line is kept."""
        server = self.server().start()
        server.administrator()
        postmaster = int((server.folder / "data/database/cluster/postmaster.pid").read_text().split()[0])
        family = subprocess.run(["ps", "-A", "-o", "pid=", "-o", "ppid="], capture_output=True, text=True).stdout
        pairs = [tuple(map(int, line.split())) for line in family.splitlines()]
        for pid in [postmaster, *(child for child, parent in pairs if parent == postmaster)]:
            os.kill(pid, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", server.pos)) as till:
            till.sendall(b"1|0|7|0|A|1|148|TARTE POELEE|16,00\n")
            till.shutdown(socket.SHUT_WR)
            till.settimeout(20)
            self.assertEqual(till.recv(1), b"")  # it has read all
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 15)  # the server's own limit is ten
        self.assertEqual(processes_of(server), [])
        server.start()
        lines = soon(lambda: server.get("/api/v1/lines")["items"], "the line")
        self.assertEqual([line["text"] for line in lines], ["TARTE POELEE"])
        self.assertEqual(server.stop(), 0)

    def test_long_path(self) -> None:
        """A folder too deep for a socket's name: the sockets lie elsewhere, in a folder of the account's own."""
        short = self.server(first=True)
        deep = short.folder / ("a" * 110)
        deep.mkdir(mode=0o711)
        deep.chmod(0o711)
        server = Server(folder=deep)
        server.start()
        lines = (deep / "data/database/cluster/postmaster.pid").read_text().splitlines()
        self.addCleanup(shutil.rmtree, lines[4], ignore_errors=True)
        self.assertRegex(lines[4], r"\A/tmp/camtrace-[0-9a-f]{10}\Z")
        self.assertEqual(Path(lines[4]).stat().st_mode & 0o077, 0)
        self.assertEqual(server.call("GET", "/api/v1/health")[0], 200)
        self.assertEqual(server.stop(), 0)

    def test_other_account(self) -> None:
        """`twistd --uid`: everything belongs to that account, and root's console does not take it away."""
        account = another_account()
        server = self.server(first=True)
        os.chown(server.folder, account.pw_uid, account.pw_gid)
        server.start(account=account)
        server.administrator()
        self.assertEqual(server.stop(), 0)
        server.start(account=account)
        if account.pw_uid != 0:  # else the private database has an account of its own
            owners = {path.stat().st_uid for path in (server.folder / "data").rglob("*")}
            self.assertEqual(owners, {account.pw_uid})
        self.assertEqual(server.stop(), 0)


class ClockTests(unittest.TestCase):
    """Which clock the timers follow."""

    def test_monotonic(self) -> None:
        """A step of the wall clock moves no timer."""
        script = (
            "import time; from camtrace import application, tap; from twisted.internet import reactor\n"
            "application.build = lambda *args, **keywords: None\n"
            "options = tap.Options(); options.parent = {}; options['settings'] = None\n"
            "tap.makeService(options); time.time = lambda: 0\n"
            "assert abs(reactor.seconds() - time.monotonic()) < 1\n"
            "began = time.monotonic(); reactor.callLater(0.05, reactor.stop); reactor.run()\n"
            "assert time.monotonic() - began < 5\n"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
