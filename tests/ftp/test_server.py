"""The FTP receiver on real sockets, before clients that are as odd as cameras."""

from __future__ import annotations

import contextlib
import errno
import ftplib
import gc
import io
import socket
import struct
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.cameras import descriptors
from support.ftp import PASSWORD, PATIENT, USER, Receiving, World, in_thread, jpeg
from twisted.internet import defer, reactor, task
from twisted.trial.unittest import SkipTest, TestCase

from camtrace.doors import Doors
from camtrace.errors import StartError
from camtrace.ftp import server as server_module
from camtrace.ftp import service
from camtrace.ftp.listener import where
from camtrace.ftp.server import Limits
from camtrace.ftp.uploads import looks_temporary
from camtrace.model import Camera

RED, BLUE = jpeg("red"), jpeg("blue")
BIG = jpeg() + b"\0" * 300_000  # does not go into one packet


def send(session: ftplib.FTP, name: str, data: bytes = RED, command: str = "STOR") -> str:
    """Upload a file; the server's answer."""
    return session.storbinary(f"{command} {name}", io.BytesIO(data))


def refused(call: Any, *args: Any) -> str:
    """The server's refusal of what a client asks for."""
    try:
        answer = call(*args)
    except ftplib.Error as error:
        return str(error)
    raise AssertionError(f"it was not refused: {answer}")


def reset(connection: socket.socket) -> None:
    """Close it with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def after_reset(session: ftplib.FTP) -> None:
    """The server's answer to a transfer that was reset: it may have seen a connection, or none."""
    try:
        session.voidresp()
    except ftplib.error_temp as error:
        assert str(error).startswith("426"), error


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    data = b""
    try:
        while more := connection.recv(4096):
            data += more
    except ConnectionError:
        pass
    return data


class ServerTestCase(TestCase):
    """Stops what it started."""

    timeout = 120

    def receiving(self, world: World | None = None, limits: Limits = PATIENT, **settings: Any) -> Receiving:
        receiving = Receiving(world, limits, **settings)
        self.addCleanup(receiving.stop)
        return receiving


class UploadTests(ServerTestCase):
    """Files and their names."""

    async def test_a_picture(self) -> None:
        """One upload, one alarm, at the instant at which it came, with the picture."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                self.assertEqual(send(session, "image1.jpg"), "226 Transfer complete.")

        await in_thread(camera)
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])
        self.assertEqual(on.world.raised, [(1, "127.0.0.1", "image1.jpg")])
        self.assertEqual(on.world.pictures, [(101, RED)])
        self.assertLess(datetime.now(UTC) - on.world.instants[0], timedelta(seconds=30))

    async def test_a_temporary_name(self) -> None:
        """The last name counts, once."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                send(session, "upload-01.tmp", BLUE)
                self.assertEqual(session.size("upload-01.tmp"), len(BLUE))
                session.voidcmd("NOOP")
                self.assertEqual(session.rename("upload-01.tmp", "image1_2.jpg")[:3], "250")
                self.assertEqual(session.size("image1_2.jpg"), len(BLUE))

        await in_thread(camera)
        await on.stop()
        self.assertEqual(on.world.raised, [(1, "127.0.0.1", "image1_2.jpg")])
        self.assertEqual(on.world.pictures, [(101, BLUE)])

    async def test_a_session_that_stays(self) -> None:
        """The next file shows that the one before keeps its name; a renaming of an older file raises nothing."""
        on = self.receiving()
        session = await in_thread(on.client)
        await in_thread(send, session, "a.jpg")
        await in_thread(send, session, "b.jpg")
        self.assertEqual(await on.world.alarms(1), ["a.jpg"])
        await in_thread(session.rename, "a.jpg", "c.jpg")
        await in_thread(session.quit)
        self.assertEqual(await on.world.alarms(2), ["a.jpg", "b.jpg"])

    async def test_nobody_waits_long_for_a_renaming(self) -> None:
        """Neither after the file, nor after half a renaming."""
        on = self.receiving(limits=Limits(rename_seconds=0.05, temporary_seconds=0.1))
        session = await in_thread(on.client)
        await in_thread(send, session, "image1.jpg")
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])
        await in_thread(send, session, "x.tmp")
        await in_thread(session.sendcmd, "RNFR x.tmp")
        self.assertEqual(await on.world.alarms(2), ["image1.jpg", "x.tmp"])
        await in_thread(session.sendcmd, "RNTO y.jpg")
        await in_thread(session.quit)
        self.assertEqual(len(on.world.raised), 2)

    async def test_a_temporary_name_is_waited_for_longer(self) -> None:
        """It is renamed more probably."""
        on = self.receiving(limits=Limits(rename_seconds=0, temporary_seconds=60))
        session = await in_thread(on.client)
        await in_thread(send, session, "image1_tmp.jpg")
        await in_thread(session.sendcmd, "NOOP")
        self.assertEqual(on.world.raised, [])
        await in_thread(session.rename, "image1_tmp.jpg", "image1.jpg")
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])
        await in_thread(session.quit)

    def test_temporary_names(self) -> None:
        """As cameras and clients choose them."""
        for name in ("a.tmp", "a.jpg.part", "camera_tmp.jpg", "a.jpg~", ".in.a.jpg", "A.TEMP", "a.jpg.filepart"):
            self.assertTrue(looks_temporary(name), name)
        for name in ("image1.jpg", "image1", "2007-06-01.jpg", "party.jpg"):
            self.assertFalse(looks_temporary(name), name)

    async def test_two_cameras_at_one_address(self) -> None:
        """Each gets its own alarms; a name that says nothing raises none and is told."""
        world = World([Camera(uid=5, id=3, name="a", channel=1), Camera(uid=6, id=4, name="b", channel=2)])
        on = self.receiving(world)

        def encoder() -> None:
            with on.client() as session:
                for name in ("image1.jpg", "image2_07-06-01.jpg", "image200017.jpg", "alarm.jpg"):
                    send(session, name)

        await in_thread(encoder)
        await on.stop()
        self.assertEqual([id for id, _, _ in world.raised], [3, 4, 4])
        self.assertEqual([text for text, _ in world.notes], ["ftp_unnamed"])

    async def test_appending_and_unique_names(self) -> None:
        """APPE goes on with the file that has just come, else it is a file of its own, as is STOU."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                send(session, "a.jpg", RED[:100])
                send(session, "a.jpg", RED[100:], "APPE")
                self.assertEqual(session.size("a.jpg"), len(RED))
                send(session, "b.jpg", BLUE, "APPE")
                send(session, "image1.jpg", RED, "STOU")
                session.voidcmd("TYPE I")
                with session.transfercmd("STOU") as data:
                    data.sendall(BLUE)
                session.voidresp()

        await in_thread(camera)
        await on.stop()
        names = [message for _, _, message in on.world.raised]
        self.assertEqual(names[:2], ["a.jpg", "b.jpg"])
        self.assertTrue(names[2].startswith("image1.jpg."), names)
        self.assertEqual(len(set(names)), 4)
        self.assertEqual([picture for _, picture in on.world.pictures], [RED, BLUE, RED, BLUE])

    async def test_text_mode(self) -> None:
        """A camera that forgets to ask for binary sends a picture all the same."""
        on = self.receiving()
        picture = RED[:2] + b"\xff\xfe\x00\x10line\r\nends\n\r\r\n" + RED[2:]

        def camera() -> None:
            with on.client() as session:
                session.voidcmd("TYPE A")
                with session.transfercmd("STOR image1.jpg") as data:
                    data.sendall(picture)
                session.voidresp()
                self.assertEqual(session.sendcmd("REST 0")[:3], "350")

        await in_thread(camera)
        await on.stop()
        self.assertEqual(on.world.pictures, [(101, picture)])

    async def test_any_folder_is_there_and_none_matters(self) -> None:
        """Cameras give up where a folder or a file is missing that they would change into or delete."""
        on = self.receiving()
        outside = Path("../escaped.jpg")

        def camera() -> None:
            with on.client() as session:
                self.assertEqual(session.pwd(), "/")
                session.cwd("2026-11-25/12")
                self.assertEqual(session.pwd(), "/2026-11-25/12")
                for command in ("CWD ", "CWD /", "CDUP", "XCWD x", "XPWD", "MKD a", "XMKD /b/c", "RMD nowhere"):
                    self.assertEqual(session.sendcmd(command)[0], "2", command)
                for command in ("DELE none.jpg", "SITE CHMOD 644 x", "MFMT 20070601120000 x", "ALLO 100", "SYST"):
                    self.assertEqual(session.sendcmd(command)[0], "2", command)
                for command in ("MODE S", "STRU F", "NOOP", "FEAT", "OPTS UTF8 ON", "HELP", "STAT"):
                    self.assertEqual(session.sendcmd(command)[0], "2", command)
                self.assertEqual(session.rename("none", "nothing")[:3], "250")
                self.assertEqual(session.nlst(), [])
                lines: list[str] = []
                session.dir(lines.append)
                self.assertEqual(lines, [])
                session.cwd("../../..")
                self.assertEqual(session.pwd(), "/")
                for command in ("SIZE none.jpg", "MDTM none.jpg", "RETR /etc/passwd", "MLST x", "SITE EXEC x", "XYZ"):
                    self.assertEqual(refused(session.sendcmd, command)[0], "5", command)
                send(session, "../escaped.jpg")
                send(session, "..\\..\\back.jpg")
                send(session, "/../../../../tmp/camtrace-ftp-escaped.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual(
            [message for _, _, message in on.world.raised], ["escaped.jpg", "back.jpg", "camtrace-ftp-escaped.jpg"]
        )
        self.assertFalse(outside.exists() or Path("/tmp/camtrace-ftp-escaped.jpg").exists())

    async def test_only_from_the_beginning(self) -> None:
        """REST 0 is accepted, anything else is not."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                session.voidcmd("TYPE I")
                self.assertEqual(session.sendcmd("REST 0")[:3], "350")
                self.assertEqual(refused(session.sendcmd, "REST 100")[:3], "504")
                self.assertEqual(refused(session.sendcmd, "REST x")[:3], "504")
                send(session, "image1.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual(on.world.pictures, [(101, RED)])


class CutTests(ServerTestCase):
    """Uploads that do not come whole: an alarm, without a picture."""

    async def cut(self, how: Any, data: bytes = RED[:-50], **settings: Any) -> Receiving:
        """Send a part of a picture, then do what `how(session, data_connection)` does."""
        on = self.receiving(**settings)

        def camera() -> None:
            session = on.client()
            session.voidcmd("TYPE I")
            connection = session.transfercmd("STOR image1.jpg")
            try:
                connection.sendall(data)
                how(session, connection)
            finally:
                connection.close()
                session.close()

        await in_thread(camera)
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])
        await on.stop()
        self.assertEqual((len(on.world.raised), on.world.pictures), (1, []))
        self.assertEqual(on.listener._loop.server.memory, 0)
        return on

    async def test_ends_early(self) -> None:
        """To FTP, that is the end of the file."""
        await self.cut(lambda session, connection: (connection.close(), session.voidresp()))

    async def test_reset(self) -> None:
        """Neither is a reset anything else."""
        await self.cut(lambda session, connection: (reset(connection), after_reset(session)))

    async def test_reset_at_once(self) -> None:
        """Before the server has looked at the connection."""
        for _ in range(5):
            await self.cut(lambda session, connection: (reset(connection), after_reset(session)), data=b"\xff")

    async def test_camera_goes(self) -> None:
        """The control connection is gone first."""
        await self.cut(lambda session, connection: session.close())

    async def test_aborted(self) -> None:
        """By the camera, with words."""

        def abort(session: ftplib.FTP, connection: socket.socket) -> None:
            self.assertIn(session.abort()[:3], ("426", "225", "226"))

        await self.cut(abort)

    async def test_stalled(self) -> None:
        """A data connection that does not go on is given up."""
        limits = Limits(rename_seconds=60, data_seconds=0.1)
        await self.cut(lambda session, _: self.assertEqual(refused(session.voidresp)[:3], "421"), limits=limits)

    async def test_too_long(self) -> None:
        """It is cut off, told, and not kept."""
        on = self.receiving(picture_mb=1)

        def camera() -> None:
            with on.client() as session:
                session.voidcmd("TYPE I")
                with session.transfercmd("STOR film.mp4") as data, contextlib.suppress(ConnectionError):
                    while True:
                        data.sendall(RED + b"\0" * 65536)
                self.assertIn("552 The file is too long", refused(session.voidresp))
                send(session, "image1.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual([message for _, _, message in on.world.raised], ["film.mp4", "image1.jpg"])
        self.assertEqual(on.world.pictures, [(101, RED)])
        self.assertEqual((on.world.count("long"), on.world.notes[0][1]["detail"]), (1, "film.mp4"))
        self.assertEqual(on.listener._loop.server.memory, 0)

    async def test_no_room(self) -> None:
        """A picture for which there is no memory is left out."""
        on = self.receiving(limits=Limits(rename_seconds=60, memory=2000))

        def camera() -> None:
            with on.client() as session:
                send(session, "big.jpg", BIG)
                send(session, "image1.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual((len(on.world.raised), on.world.pictures), (2, [(101, RED)]))
        self.assertEqual((on.world.count("memory"), on.listener._loop.server.memory), (1, 0))

    async def test_no_picture_at_all(self) -> None:
        """Films, texts, nothing: whatever a camera sends is an alarm."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                for name, data in (("a.mp4", b"\0\0\0\x18ftypmp42"), ("b.txt", b"motion"), ("c.jpg", b"")):
                    send(session, name, data)

        await in_thread(camera)
        await on.stop()
        self.assertEqual((len(on.world.raised), on.world.pictures), (3, []))

    async def test_the_session_goes_on_after_a_reset(self) -> None:
        """In a long session of every kind of transfer; none of another session's connections is hit."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session, on.client() as other:
                for number in range(3):
                    refused(session.sendcmd, "RETR x")
                    session.set_pasv(False)
                    send(session, f"active{number}.jpg")
                    session.set_pasv(True)
                    send(other, f"other{number}.jpg", BIG)
                    send(session, f"more{number}.jpg", BLUE, "APPE")
                    connection = session.transfercmd(f"STOR cut{number}.jpg")
                    connection.sendall(RED[:100])
                    reset(connection)
                    after_reset(session)
                    with socket.create_connection(ftplib.parse227(session.sendcmd("PASV"))) as unused:
                        reset(unused)
                    # the server may have seen that already, or not yet
                    answer = session.sendcmd("PASV")
                    self.assertEqual(answer[:3], "227")
                    send(session, f"last{number}.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual(len(on.world.raised), 15)
        self.assertEqual(len(on.world.pictures), 12)

    async def test_one_file_at_a_time(self) -> None:
        """Another is refused while one comes; QUIT waits for it."""
        on = self.receiving()

        def camera() -> None:
            session = on.client()
            session.voidcmd("TYPE I")
            with session.transfercmd("STOR a.jpg") as data:
                data.sendall(RED[:100])
                session.putcmd("STOR b.jpg")
                self.assertEqual(refused(session.getresp)[:3], "450")
                session.putcmd("QUIT")
                self.assertEqual(session.getresp()[:3], "221")
                data.sendall(RED[100:])
            self.assertEqual(session.getresp()[:3], "226")
            with self.assertRaises(EOFError):
                session.getresp()
            session.close()

        await in_thread(camera)
        await on.stop()
        self.assertEqual([message for _, _, message in on.world.raised], ["a.jpg"])
        self.assertEqual(on.world.pictures, [(101, RED)])


class DataConnectionTests(ServerTestCase):
    """Both ways, only with the camera itself."""

    async def test_active(self) -> None:
        """PORT, which cameras do unless told otherwise, and EPRT."""
        on = self.receiving()

        def camera() -> None:
            with on.client(passive=False) as session:
                send(session, "port.jpg")
                session.voidcmd("TYPE I")
                with socket.create_server(("127.0.0.1", 0)) as waiting:
                    session.sendeprt("127.0.0.1", waiting.getsockname()[1])
                    session.sendcmd("STOR eprt.jpg")
                    with waiting.accept()[0] as data:
                        data.sendall(BLUE)
                    session.voidresp()

        await in_thread(camera)
        await on.stop()
        self.assertEqual([message for _, _, message in on.world.raised], ["port.jpg", "eprt.jpg"])
        self.assertEqual([picture for _, picture in on.world.pictures], [RED, BLUE])

    async def test_extended_passive(self) -> None:
        """EPSV over IPv4."""
        on = self.receiving()

        def camera() -> None:
            with on.client() as session:
                session.voidcmd("TYPE I")
                _, port = ftplib.parse229(session.sendcmd("EPSV"), ("127.0.0.1", 0))
                with socket.create_connection(("127.0.0.1", port)) as data:
                    session.sendcmd("STOR epsv.jpg")
                    data.sendall(RED)
                session.voidresp()

        await in_thread(camera)
        await on.stop()
        self.assertEqual(on.world.pictures, [(101, RED)])

    async def test_ipv6(self) -> None:
        """EPSV and EPRT; PASV cannot say such an address."""
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6):
                pass
        except OSError as error:
            raise SkipTest("this machine has no IPv6") from error
        on = self.receiving(endpoint=r"tcp:0:interface=\:\:1")

        def camera() -> None:
            with on.client("::1") as session:
                send(session, "epsv.jpg")
                self.assertEqual(refused(session.sendcmd, "PASV")[:3], "425")
                session.set_pasv(False)
                send(session, "eprt.jpg")

        await in_thread(camera)
        await on.stop()
        self.assertEqual(len(on.world.pictures), 2)
        self.assertEqual({origin for _, origin, _ in on.world.raised}, {"::1"})

    async def test_two_networks(self) -> None:
        """The camera is told the address that it reached, not another of this machine's."""
        on = self.receiving(endpoint="tcp:0")

        def camera() -> None:
            for host in ("127.0.0.1", "127.0.0.2"):
                with on.client(host) as session:
                    self.assertEqual(ftplib.parse227(session.sendcmd("PASV"))[0], host)
                    send(session, "image1.jpg")

        await in_thread(camera)
        self.assertEqual(len(await on.world.alarms(2)), 2)

    async def test_passive_ports(self) -> None:
        """Those that the firewall lets through."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            first = min(free.getsockname()[1], 65000)
        on = self.receiving(passive_ports=(first, first + 20))

        def camera() -> None:
            with on.client() as session:
                for number in range(30):
                    self.assertIn(ftplib.parse227(session.sendcmd("PASV"))[1], range(first, first + 21))
                    send(session, f"{number}.jpg")

        await in_thread(camera)
        self.assertEqual(len(await on.world.alarms(30)), 30)

    async def test_behind_a_router(self) -> None:
        """The camera is told the router's address and a port that it forwards; EPSV tells no address."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            first = min(free.getsockname()[1], 65000)
        on = self.receiving(passive_ports=(first, first + 20), masquerade_address="203.0.113.7")

        def camera() -> None:
            with on.client() as session:
                host, port = ftplib.parse227(session.sendcmd("PASV"))
                self.assertEqual((host, first <= port <= first + 20), ("203.0.113.7", True))
                send(session, "image1.jpg")  # ftplib goes to the address that it has reached, as the router does
                port = ftplib.parse229(session.sendcmd("EPSV"), session.sock.getpeername())[1]
                self.assertIn(port, range(first, first + 21))

        await in_thread(camera)
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])

    async def test_bounce(self) -> None:
        """No connection to another machine, nor to a service of the camera's own."""
        on = self.receiving()

        def attacker() -> None:
            with on.client() as session, socket.create_server(("127.0.0.2", 0)) as victim:
                port = victim.getsockname()[1]
                self.assertEqual(refused(session.sendport, "127.0.0.2", port)[:3], "501")
                self.assertEqual(refused(session.sendeprt, "127.0.0.2", port)[:3], "501")
                self.assertEqual(refused(session.sendcmd, f"EPRT |1|victim|{port}|")[:3], "501")
                self.assertEqual(refused(session.sendport, "127.0.0.1", 25)[:3], "501")
                self.assertEqual(refused(session.sendcmd, "PORT 1,2,3")[:3], "501")
                victim.settimeout(0)
                with self.assertRaises(BlockingIOError):
                    victim.accept()

        await in_thread(attacker)
        await on.stop()
        self.assertEqual((on.world.count("bounce"), on.world.notes[0][0]), (2, "ftp_bounce"))

    async def test_a_stranger_at_the_data_port(self) -> None:
        """It is closed without a word to the camera, which then connects."""
        on = self.receiving(endpoint="tcp:0")

        def camera() -> None:
            with on.client() as session:
                session.voidcmd("TYPE I")
                port = ftplib.parse227(session.sendcmd("PASV"))[1]
                with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.9", 0)) as stranger:
                    self.assertEqual(all_of(stranger), b"")
                with socket.create_connection(("127.0.0.1", port)) as data:
                    self.assertEqual(session.sendcmd("STOR image1.jpg")[0], "1")
                    data.sendall(RED)
                session.voidresp()

        await in_thread(camera)
        await on.stop()
        self.assertEqual((on.world.pictures, on.world.count("foreign")), ([(101, RED)], 1))

    async def test_none_comes(self) -> None:
        """The camera wanted to tell of an alarm: it is raised, and what to set is told."""
        on = self.receiving(limits=Limits(rename_seconds=60, data_seconds=0.1))

        def camera() -> None:
            with on.client() as session:
                self.assertEqual(refused(session.sendcmd, "STOR image1.jpg")[:3], "425")
                session.sendcmd("PASV")
                self.assertEqual(session.sendcmd("STOR image2.jpg")[:3], "150")
                self.assertEqual(refused(session.voidresp)[:3], "421")
                send(session, "image3.jpg")
                with socket.create_server(("127.0.0.1", 0)) as closed:
                    port = closed.getsockname()[1]
                self.assertEqual(refused(session.sendport, "127.0.0.1", port)[:3], "425")
                self.assertEqual(refused(session.sendcmd, "STOR image4.jpg")[:3], "425")

        await in_thread(camera)
        await on.stop()
        self.assertEqual([message for _, _, message in on.world.raised], ["image2.jpg", "image3.jpg"])
        self.assertEqual((on.world.notes[0][0], on.world.count("no_data")), ("ftp_no_data", 2))


class AdmissionTests(ServerTestCase):
    """Who gets in, and how many."""

    async def test_wrong_passwords(self) -> None:
        """Three in a session, some in a minute; another address is not hit by that."""
        on = self.receiving(limits=Limits(wrong_seconds=0.01, wrong_logins=4), endpoint="tcp:0")

        def guess(session: ftplib.FTP, user: str = USER, password: str = "wrong") -> str:
            return refused(session.login, user, password)

        def guesser() -> None:
            first = ftplib.FTP(timeout=60)
            first.connect("127.0.0.1", on.port)
            self.assertEqual(refused(first.sendcmd, "STOR x")[:3], "530")
            self.assertEqual(refused(first.sendcmd, "PASS camera")[:3], "503")
            for user, password in ((USER, "wrong"), (USER, ""), ("Camtrace", PASSWORD)):
                self.assertEqual(guess(first, user, password), "530 Login incorrect.")
            with self.assertRaises((EOFError, ConnectionError)):
                first.voidcmd("NOOP")
            first.close()
            with ftplib.FTP(timeout=60) as second:
                second.connect("127.0.0.1", on.port)
                guess(second)
                self.assertEqual(guess(second, USER, PASSWORD), "530 Login incorrect.")
            with ftplib.FTP(timeout=60) as camera:
                camera.connect("127.0.0.1", on.port, source_address=("127.0.0.5", 0))
                self.assertEqual(camera.login(USER, PASSWORD)[:3], "230")

        await in_thread(guesser)
        await on.stop()
        self.assertEqual((on.world.count("password"), on.world.count("guessing")), (4, 1))
        self.assertEqual([text for text, _ in on.world.notes], ["ftp_password", "ftp_guessing"])

    async def test_guesses_in_one_packet(self) -> None:
        """Only the first is looked at: the others come while it waits for its answer."""
        on = self.receiving()

        def guesser() -> bytes:
            with socket.create_connection(("127.0.0.1", on.port), timeout=60) as connection:
                tries = "".join(f"USER {USER}\r\nPASS {word}\r\n" for word in ("a", "b", PASSWORD))
                connection.sendall(tries.encode())
                data = b""
                while b"530" not in data:
                    data += connection.recv(4096)
                connection.sendall(b"QUIT\r\n")
                return data + all_of(connection)

        said = await in_thread(guesser)
        self.assertEqual((said.count(b"530"), said.count(b"230")), (1, 0))
        await on.stop()
        self.assertEqual(on.world.count("password"), 1)

    async def test_hundreds_that_say_nothing(self) -> None:
        """They are bounded, and a camera gets in all the same."""
        on = self.receiving(limits=Limits(rename_seconds=60, per_peer=400), connections=50)
        idle: list[socket.socket] = []

        def crowd() -> None:
            idle.extend(socket.create_connection(("127.0.0.1", on.port), timeout=60) for _ in range(300))
            with on.client() as session:
                send(session, "image1.jpg")

        await in_thread(crowd)
        self.assertLessEqual(on.listener.sessions, 50)
        self.assertEqual(await on.world.alarms(1), ["image1.jpg"])
        for connection in idle:
            connection.close()

    async def test_a_full_house_of_cameras(self) -> None:
        """Those that are logged in are not put out for a newcomer, who hears why."""
        on = self.receiving(connections=3)

        def cameras() -> None:
            sessions = [on.client() for _ in range(3)]
            self.assertEqual(refused(on.client)[:3], "421")
            sessions.pop().quit()
            sessions.append(on.client())
            for session in sessions:
                self.assertEqual(session.voidcmd("NOOP")[:3], "200")
                session.quit()

        await in_thread(cameras)
        await on.stop()
        self.assertEqual((on.world.count("crowd"), on.world.notes[0][1]["detail"]), (1, "3"))

    async def test_too_many_of_one_address(self) -> None:
        """Others still get in."""
        on = self.receiving(limits=Limits(per_peer=2), endpoint="tcp:0")

        def cameras() -> None:
            sessions = [on.client(), on.client()]
            self.assertEqual(refused(on.client)[:3], "421")
            with ftplib.FTP(timeout=60) as other:
                other.connect("127.0.0.1", on.port, source_address=("127.0.0.5", 0))
                other.login(USER, PASSWORD)
            for session in sessions:
                session.close()

        await in_thread(cameras)
        await on.stop()
        self.assertEqual(on.world.count("too_many"), 1)

    async def test_addresses(self) -> None:
        """Only those of [ftp] allow."""
        on = self.receiving(endpoint="tcp:0", allow=("127.0.0.4/31",))

        def cameras() -> None:
            self.assertEqual(refused(on.client)[:3], "421")
            with ftplib.FTP(timeout=60) as camera:
                camera.connect("127.0.0.1", on.port, source_address=("127.0.0.5", 0))
                camera.login(USER, PASSWORD)

        await in_thread(cameras)
        await on.stop()
        self.assertEqual((on.world.count("refused"), on.world.notes[0][0]), (1, "ftp_refused"))

    async def test_who_does_not_log_in(self) -> None:
        """Is closed, busy as he may be."""
        on = self.receiving(limits=Limits(login_seconds=0.2))

        def stranger() -> None:
            with ftplib.FTP(timeout=60) as session:
                session.connect("127.0.0.1", on.port)
                with self.assertRaises((EOFError, OSError)):
                    while True:
                        session.voidcmd("NOOP")

        await in_thread(stranger)

    async def test_who_says_nothing_for_long(self) -> None:
        """Is told, and closed."""
        on = self.receiving(limits=Limits(idle_seconds=0.2))
        session = await in_thread(on.client)
        self.assertEqual(str(await in_thread(refused, session.voidresp))[:3], "421")
        session.close()

    async def test_no_ftp(self) -> None:
        """Neither a line without an end is gathered, nor a stranger listened to for long."""
        on = self.receiving()

        def talker(words: bytes) -> None:
            connection = socket.create_connection(("127.0.0.1", on.port), timeout=60)
            with connection, self.assertRaises(ConnectionError):
                while True:
                    connection.sendall(words)

        await in_thread(talker, b"x" * 4096)
        await in_thread(talker, b"NOOP\r\n" * 100)
        await on.stop()
        self.assertEqual((on.world.count("command"), on.world.notes[0][0]), (2, "ftp_command"))

    async def test_answers_that_nobody_reads(self) -> None:
        """They are not gathered for ever."""
        on = self.receiving()

        def talker() -> None:
            session = on.client()
            session.sock.settimeout(30)
            with self.assertRaises(ConnectionError):
                while True:
                    session.sock.sendall(b"NOOP\r\n" * 100)
            session.close()

        await in_thread(talker)
        await on.stop()


class DoorTests(ServerTestCase):
    """Starting, stopping, and being too slow."""

    def test_where(self) -> None:
        """Every form that the configuration accepts."""
        self.assertEqual(where("tcp:2121"), (2121, ""))
        self.assertEqual(where("tcp:port=2121:interface=10.0.0.1"), (2121, "10.0.0.1"))
        self.assertEqual(where(r"tcp:2121:interface=\:\:1"), (2121, "::1"))

    async def test_bound_is_not_open(self) -> None:
        """Who comes early waits; a server that is never opened leaves the port free."""
        on = self.receiving()
        await on.stop()
        doors = Doors(reactor)
        doors.add_other("ftp", "tcp:0", on.listener.bind, on.listener.leave)
        doors.bind()
        (port,) = doors.port_numbers()["ftp"]
        with socket.create_connection(("127.0.0.1", port)) as early:
            early.settimeout(0)
            with self.assertRaises(BlockingIOError):
                early.recv(1)
        await doors.close()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    def test_a_busy_port(self) -> None:
        """Ends the start with a clear line."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            with self.assertRaisesRegex(
                StartError, r"\[listen\] ftp: tcp:\S+ cannot be opened: Address already in use"
            ):
                Receiving(endpoint=endpoint)

    async def test_stopping(self) -> None:
        """Idle sessions hear of it; what is being sent may end, what stalls is cut; thread and port are free."""
        self.patch(server_module, "LAST_SECONDS", 0.5)
        on = self.receiving()
        threads = set(threading.enumerate())

        def cameras() -> tuple[ftplib.FTP, ...]:
            idle, sending, stalled = on.client(), on.client(), on.client()
            for session in (sending, stalled):
                session.voidcmd("TYPE I")
            return idle, sending, stalled

        idle, sending, stalled = await in_thread(cameras)
        data = await in_thread(sending.transfercmd, "STOR sent.jpg")
        stuck = await in_thread(stalled.transfercmd, "STOR stuck.jpg")
        data.sendall(RED[:100])
        stuck.sendall(RED[:100])
        stopping = defer.ensureDeferred(on.stop())
        self.assertEqual(str(await in_thread(refused, idle.voidresp))[:3], "421")
        data.sendall(RED[100:])
        data.close()
        self.assertEqual(str(await in_thread(sending.voidresp))[:3], "226")
        await stopping
        self.assertEqual({message for _, _, message in on.world.raised}, {"sent.jpg", "stuck.jpg"})
        self.assertEqual(on.world.pictures, [(101, RED)])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", on.port))
        await self.ended(threads, "lane ftp")
        for one in (idle, sending, stalled, stuck):
            one.close()

    async def ended(self, before: set[threading.Thread], name: str) -> None:
        """Until this thread is gone: it fires its last Deferred just before it ends."""
        for thread in before:
            if thread.name == name:
                await in_thread(thread.join, 10)
                self.assertFalse(thread.is_alive())

    async def test_nothing_is_left_open(self) -> None:
        """Neither sockets nor what the loop waits with."""
        await task.deferLater(reactor, 0)  # a reactor that runs has some of its own
        before = descriptors()
        for _ in range(3):
            on = self.receiving()

            def camera(on: Receiving = on) -> None:
                for passive in (True, False):
                    with on.client(passive=passive) as session:
                        send(session, "image1.jpg")
                on.client()  # and never says goodbye

            await in_thread(camera)
            await on.stop()
        gc.collect()
        self.assertLessEqual(descriptors(), before)

    async def test_the_database_stays_away(self) -> None:
        """Stopping does not wait for it: the intake goes on with what was handed to it."""
        on = self.receiving(World(durable=defer.Deferred))
        with_picture = await in_thread(on.client)
        await in_thread(send, with_picture, "image1.jpg")
        await in_thread(with_picture.quit)
        await on.world.alarms(1)
        await on.stop()

    async def test_no_descriptor_left(self) -> None:
        """Nobody is let in for a moment, then those who waited."""
        self.patch(server_module, "PAUSE_SECONDS", 0.1)
        on = self.receiving()
        await in_thread(lambda: on.client().quit())  # the thread is there
        server = on.listener._loop.server
        accept, fail = server.accept, iter([True])

        def accept_later() -> Any:
            if next(fail, False):
                raise OSError(errno.EMFILE, "Too many open files")
            return accept()

        server.accept = accept_later
        await in_thread(lambda: on.client().quit())
        self.assertEqual(on.world.count("descriptors"), 1)

    async def test_slow_to_become_durable(self) -> None:
        """The next file is refused until there is room again; none is lost."""
        waiting: list[defer.Deferred[None]] = []

        def durable() -> defer.Deferred[None]:
            waiting.append(defer.Deferred())
            return waiting[-1]

        self.patch(service, "CROWD", 2)
        on = self.receiving(World(durable=durable))
        session = await in_thread(on.client)
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            await in_thread(send, session, name)
        await on.world.alarms(2)
        await task.deferLater(reactor, 0)
        self.assertEqual(str(await in_thread(refused, send, session, "d.jpg"))[:3], "450")
        for one in waiting:
            one.callback(None)
        on.world.durable = lambda: defer.succeed(None)
        await in_thread(send, session, "e.jpg")
        await in_thread(session.quit)
        self.assertEqual(await on.world.alarms(4), ["a.jpg", "b.jpg", "c.jpg", "e.jpg"])
        self.assertEqual(on.world.count("busy"), 1)
