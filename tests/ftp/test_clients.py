"""FTP clients of other makes, in active and in passive mode, with and without a temporary name."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from support.ftp import PASSWORD, USER, Receiving, in_thread, jpeg
from support.needs import needs
from twisted.trial.unittest import TestCase

PICTURE = jpeg("green")


class ClientTestCase(TestCase):
    """Runs a program that uploads a picture."""

    timeout = 120

    def setUp(self) -> None:
        self.on = Receiving()
        self.addCleanup(self.on.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "image1.jpg").write_bytes(PICTURE)
        (self.folder / "image2.jpg").write_bytes(PICTURE)

    async def upload(self, *command: str, alarms: tuple[str, ...] = ("image1.jpg",)) -> str:
        """Run it; what it printed, when the alarms have come that it should raise, each with the picture."""
        ran = await in_thread(
            lambda: subprocess.run(
                command, cwd=self.folder, capture_output=True, text=True, timeout=90, env={"HOME": str(self.folder)}
            )
        )
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        await self.on.stop()
        self.assertEqual(tuple(message for _, _, message in self.on.world.raised), alarms)
        self.assertEqual([picture for _, picture in self.on.world.pictures], [PICTURE] * len(alarms))
        self.assertEqual(self.on.world.notes, [])
        return ran.stderr + ran.stdout


@needs("curl")
class CurlTests(ClientTestCase):
    """curl."""

    def curl(self, *options: str, path: str = "") -> tuple[str, ...]:
        target = f"ftp://127.0.0.1:{self.on.port}/{path}"
        return ("curl", "-sS", "--user", f"{USER}:{PASSWORD}", "-T", "image1.jpg", *options, target)

    async def test_passive(self) -> None:
        """EPSV."""
        await self.upload(*self.curl())

    async def test_old_passive(self) -> None:
        """PASV, and the address that the server says."""
        await self.upload(*self.curl("--disable-epsv", "--no-ftp-skip-pasv-ip"))

    async def test_active(self) -> None:
        """EPRT."""
        await self.upload(*self.curl("--ftp-port", "127.0.0.1"))

    async def test_old_active(self) -> None:
        """PORT."""
        await self.upload(*self.curl("--ftp-port", "127.0.0.1", "--disable-eprt"))

    async def test_folders_and_a_temporary_name(self) -> None:
        """As a camera does it: folders by date, a name while it is sent, another when it has come."""
        await self.upload(
            *self.curl("--ftp-create-dirs", "-Q", "-RNFR image1.tmp", "-Q", "-RNTO image1.jpg", path="a/b/image1.tmp")
        )

    async def test_deleting_before(self) -> None:
        """Old cameras delete the file that they are about to send."""
        await self.upload(*self.curl("-Q", "DELE image1.jpg"))

    async def test_text_mode(self) -> None:
        """The picture is not touched."""
        await self.upload(*self.curl("--use-ascii"))

    async def test_appending(self) -> None:
        """APPE."""
        await self.upload(*self.curl("--append"))

    async def test_wrong_password(self) -> None:
        """67 is curl's word for a refused login."""
        ran = await in_thread(
            lambda: subprocess.run(
                ["curl", "-sS", "-u", "camtrace:no", "-T", "image1.jpg", f"ftp://127.0.0.1:{self.on.port}/"],
                cwd=self.folder,
                capture_output=True,
                timeout=90,
            )
        )
        self.assertEqual(ran.returncode, 67)
        await self.on.stop()
        self.assertEqual((self.on.world.raised, self.on.world.count("password")), ([], 1))


@needs("lftp")
class LftpTests(ClientTestCase):
    """lftp, which asks for much before it uploads."""

    def lftp(self, *settings: str, put: str) -> tuple[str, ...]:
        script = [f"set {setting}" for setting in ("net:max-retries 1", "net:timeout 15", *settings)]
        script += [f"open -u {USER},{PASSWORD} -p {self.on.port} 127.0.0.1", put, "bye"]
        return ("lftp", "--norc", "-c", "; ".join(script))

    async def test_passive(self) -> None:
        """Two files in one session."""
        await self.upload(
            *self.lftp("ftp:passive-mode on", put="put image1.jpg; put image2.jpg"), alarms=("image1.jpg", "image2.jpg")
        )

    async def test_active(self) -> None:
        """PORT."""
        await self.upload(*self.lftp("ftp:passive-mode off", put="put image1.jpg"))

    async def test_a_temporary_name(self) -> None:
        """Its own kind of it."""
        await self.upload(*self.lftp("xfer:use-temp-file on", put="mkdir -p a/b; cd a/b; put image1.jpg"))

    async def test_a_whole_folder(self) -> None:
        """It lists before it sends."""
        put = "mirror -R --include-glob *.jpg . /alarms"
        await self.upload(*self.lftp(put=put), alarms=("image1.jpg", "image2.jpg"))


@needs("ncftp")
class NcftpTests(ClientTestCase):
    """ncftpput, which many scripts use."""

    def ncftpput(self, *options: str) -> tuple[str, ...]:
        login = ("-u", USER, "-p", PASSWORD, "-P", str(self.on.port), "-t", "15", "-r", "1")
        return ("ncftpput", *login, *options, "127.0.0.1", "/alarms", "image1.jpg")

    async def test_passive(self) -> None:
        """PASV."""
        await self.upload(*self.ncftpput("-F"))

    async def test_active(self) -> None:
        """PORT."""
        await self.upload(*self.ncftpput("-E"))

    async def test_a_temporary_name(self) -> None:
        """With its own ending, in a folder that it makes."""
        await self.upload(*self.ncftpput("-F", "-m", "-S", ".tmp"))
