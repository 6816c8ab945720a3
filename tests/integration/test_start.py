"""The server as a process: it starts, says what is wrong, and stops without a trace."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import unittest

from support.database import cluster
from support.needs import needs
from support.server import BIN, ROOT, Server


@needs("postgresql")
class StartTests(unittest.TestCase):
    """`twistd -n camtrace`, as an administrator meets it."""

    def server(self, dsn: str = "", extra: str = "") -> Server:
        server = Server(dsn, extra)
        self.addCleanup(server.remove)
        return server

    def test_private_database(self) -> None:
        """The first start makes everything, prints the link, is healthy; SIGTERM leaves no process behind."""
        server = self.server().start(wait=False)
        self.assertRegex(server.wait_for("/setup?code="), r"http://\S+/setup\?code=\S{20,}")
        server.wait_for("CamTrace is ready")
        self.assertEqual(server.call("GET", "/api/v1/health")[1]["status"], "ok")
        postmaster = int((server.folder / "data/database/cluster/postmaster.pid").read_text().split()[0])
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 10)
        with self.assertRaises(ProcessLookupError):
            os.kill(postmaster, 0)

    def test_killed_and_started_again(self) -> None:
        """After kill -9 the next start adopts the database that was left running."""
        server = self.server().start()
        server.administrator()
        server.kill()
        server.start()
        self.assertTrue(any("adopted" in line for line in server.output))
        server.get("/api/v1/cameras")
        self.assertEqual(server.stop(), 0)

    def test_console_without_server(self) -> None:
        """The command works while no server runs, and stops the database it started."""
        server = self.server()
        server.administrator()
        self.assertFalse((server.folder / "data/database/cluster/postmaster.pid").exists())
        self.assertIn("admin\tadministrator", server.command("user", "list").stdout)
        failed = server.command(
            "user", "password", "nobody", "--password-file", "-", text="long enough text", check=False
        )
        self.assertEqual((failed.returncode, failed.stderr), (1, "camtrace: there is no user 'nobody'\n"))

    def test_busy_port(self) -> None:
        """A port that is taken is named with its key, in one line, and the start ends with 1."""
        server = self.server()
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", server.pos))
            taken.listen()
            server.start(wait=False)
            self.assertEqual(server.process.wait(30), 1)
        self.assertIn("camtrace: [listen] pos:", "\n".join(server.output))
        self.assertIn("Address already in use", server.output[-1])

    def test_bad_configuration(self) -> None:
        """Every fault of the file is told at once."""
        server = self.server(extra='colour = "red"\n[rtsp]\nanonymous = "yes"')
        server.start(wait=False)
        self.assertEqual(server.process.wait(30), 1)
        text = "\n".join(server.output)
        self.assertIn("[storage] colour: unknown key", text)
        self.assertIn("[rtsp] anonymous", text)

    def test_unusable_folder(self) -> None:
        """A data folder that is a file is one clear line."""
        server = self.server()
        (server.folder / "data").write_text("not a folder")
        server.start(wait=False)
        self.assertEqual(server.process.wait(30), 1)
        self.assertIn("camtrace: the folder", server.output[-1])

    def test_absent_database(self) -> None:
        """An external database that stays away ends the start after wait_seconds."""
        server = self.server(dsn="host=/nonexistent user=nobody")
        server.config.write_text(server.config.read_text().replace("wait_seconds = 20", "wait_seconds = 1"))
        server.start(wait=False)
        self.assertEqual(server.process.wait(30), 1)
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
        self.assertEqual(server.process.wait(30), 1)
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
