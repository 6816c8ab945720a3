"""Real players against the real server: ffmpeg, ffprobe and GStreamer, by TCP and UDP."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Awaitable, Coroutine
from typing import Any

import pytest
from support.clips import START, ClipFootage, clip
from support.players import frames, play_and_kill, run
from support.rtsp_server import People, Served, unix, user
from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from camtrace import clock
from camtrace.auth import PlayerSecret

QUERY = f"start={unix(START)}&stop={unix(START) + 600}"
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
# its exit code tells nothing: at the end it interrupts its own PAUSE, and sends a last report to closed ports
GST_ENDED = "Got EOS"
needs_gstreamer = pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")
UDP_SPEED = 3  # a player that has to wait for the processor holds most of a second then


def beginning(footage: ClipFootage, seconds: float) -> ClipFootage:
    """Of this footage the groups of pictures that begin in the first `seconds`."""
    ends_us = clock.to_us(START) + int(seconds * 1_000_000)
    footage.chunks = [chunk for chunk in footage.chunks if chunk.samples[0].at_us < ends_us]
    return footage


def at_once(*playing: Coroutine[Any, Any, None]) -> defer.Deferred[None]:
    """All of them, beside each other, to their end; then the first failure, if there is any."""

    async def all_of_them() -> None:
        for good, failure in await defer.DeferredList(map(defer.ensureDeferred, playing), consumeErrors=True):
            if not good:
                failure.raiseException()

    return defer.ensureDeferred(all_of_them())


class Playing(TestCase):
    """A server in this reactor, on a port of its own."""

    timeout = 120

    def serve(self, footage: Any, **options: Any) -> str:
        """Serve `footage`; answers the URL's beginning."""
        self.served = Served(reactor, footage, **options)
        self.served.service.startService()
        port = reactor.listenTCP(0, self.served.service, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(self.served.service.stopService)
        self.addCleanup(port.stopListening)
        return f"rtsp://127.0.0.1:{port.getHost().port}/player/regul/3/"


@needs_ffmpeg
class EveryFrameTests(Playing):
    """What ffmpeg decodes from the server equals the clip, picture by picture; and ffmpeg ends by itself."""

    def check(
        self, name: str, stream: str = "v", tcp: int = 6, udp: int = UDP_SPEED, seconds: tuple[float, float] = (60, 2)
    ) -> Awaitable[Any]:
        """By both transports at once, so many times as fast as it was recorded, so many seconds of it."""
        both = (("tcp", tcp, seconds[0]), ("udp", udp, seconds[1]))
        return at_once(*(self.play(name, stream, *how) for how in both))

    async def play(self, name: str, stream: str, transport: str, speed: int, seconds: float) -> None:
        """What is played of the first `seconds` equals what the clip begins with."""
        footage = beginning(ClipFootage(name, speed), seconds)
        url = self.serve(footage)
        whole = ["-ignore_editlist", "1"] if stream == "a" else []  # the sound's first frames too
        samples = [sample for chunk in footage.chunks for sample in chunk.samples]
        count = sum(footage.tracks[sample.track].is_video == (stream == "v") for sample in samples)
        expected = (await frames(*whole, "-i", clip(name), stream=stream))[:count]
        played = await frames("-rtsp_transport", transport, "-i", f"{url}?{QUERY}", stream=stream)
        self.assertGreater(len(expected), 20)
        self.assertEqual(played, expected, transport)

    def test_h264(self) -> Awaitable[Any]:
        """H.264 without B-frames."""
        return self.check("vtest_h264_baseline.mp4")

    def test_h264_bframes(self) -> Awaitable[Any]:
        """H.264 with B-frames."""
        return self.check("vtest_h264_main_bframes.mp4")

    def test_h265(self) -> Awaitable[Any]:
        """H.265."""
        return self.check("vtest_h265.mp4")

    def test_mjpeg(self) -> Awaitable[Any]:
        """JPEG with the standard Huffman tables."""
        return self.check("standard_huffman.mkv", tcp=3)

    def test_mpeg4(self) -> Awaitable[Any]:
        """MPEG-4 part 2, beside sound."""
        return self.check("vtest_mpeg4_aac.mp4", tcp=1, udp=1, seconds=(3, 3))

    def test_aac(self) -> Awaitable[Any]:
        """AAC beside H.264: every coded frame arrives."""
        return self.check("vtest_h264_aac.mp4", "a", tcp=1, udp=1, seconds=(3, 3))


@needs_ffmpeg
class FfmpegTests(Playing):
    """What else ffmpeg does with a recording."""

    async def test_probe(self) -> None:
        """ffprobe learns codec, size and duration."""
        url = self.serve(ClipFootage("vtest_h264_aac.mp4"))
        asked = "stream=codec_name,width,sample_rate:format=duration"
        out, err, code = await run("ffprobe", "-v", "error", "-show_entries", asked, "-of", "csv", f"{url}?{QUERY}")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("h264,640", out)
        self.assertIn("aac,16000", out)
        self.assertRegex(out, r"format,4\.0")

    async def test_hole_is_skipped(self) -> None:
        """An hour without recording costs no time: the pictures behind it follow at once."""
        url = self.serve(ClipFootage("vtest_h264_baseline.mp4", 6, hole_seconds=3600))
        played = await frames("-rtsp_transport", "tcp", "-i", f"{url}?start={unix(START)}")
        self.assertEqual(played, await frames("-i", clip("vtest_h264_baseline.mp4")))

    async def test_refused_in_words(self) -> None:
        """Pictures that RTP cannot carry: the player shows the reason, the journal has it too."""
        url = self.serve(ClipFootage("vtest_mjpeg.mkv"))
        _, err, code = await run("ffmpeg", "-nostdin", "-v", "error", "-i", f"{url}?{QUERY}", "-f", "null", "-")
        self.assertNotEqual(code, 0)
        self.assertIn("415 the pictures use Huffman tables of their own", err)
        self.assertEqual(self.served.notes[0][2]["number"], 3)

    async def test_passwords(self) -> None:
        """The login password plays until anybody has a player password; then ffmpeg wants one, and says so."""
        anna, people = user("anna", "replay"), People(user("anna", "replay"))
        url = self.serve(ClipFootage("vtest_h264_baseline.mp4", 6), gate=people)

        async def plays(password: str) -> tuple[int, str]:
            place = url.replace("//", f"//anna:{password}@")
            _, err, code = await run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", f"{place}?{QUERY}")
            return code, err

        self.assertEqual(await plays("secret"), (0, ""))
        hashes = [hash(b"bert:CamTrace:another").hexdigest() for hash in (hashlib.md5, hashlib.sha256)]
        people.secret = PlayerSecret(user("bert", "replay"), *hashes)  # somebody made one, and it was not anna
        code, err = await plays("secret")
        self.assertNotEqual(code, 0)
        self.assertIn("401 Unauthorized: the password for players is wanted here", err)
        hashes = [hash(b"anna:CamTrace:made").hexdigest() for hash in (hashlib.md5, hashlib.sha256)]
        people.secret = PlayerSecret(anna, *hashes)
        self.assertEqual(await plays("made"), (0, ""))

    async def test_seek(self) -> None:
        """Played from the middle, the pictures are those from the key frame before it."""
        url = self.serve(ClipFootage("vtest_h264_baseline.mp4", 3))
        played = await frames("-rtsp_transport", "tcp", "-ss", "2", "-i", f"{url}?{QUERY}")
        whole = await frames("-i", clip("vtest_h264_baseline.mp4"))
        self.assertGreater(len(played), 30)
        self.assertEqual(played, whole[-len(played) :])


@needs_ffmpeg
class VanishingTests(Playing):
    """A player that vanishes without a word takes nobody along."""

    async def test_killed_by_udp(self) -> None:
        """Six UDP players are killed one after the other while two others play: those get every picture, and end."""
        url = f"{self.serve(ClipFootage('vtest_h264_baseline.mp4'))}?{QUERY}"
        playing = [defer.ensureDeferred(frames("-rtsp_transport", "tcp", "-i", url)) for _ in range(2)]
        await defer.gatherResults(
            defer.ensureDeferred(play_and_kill(url, "-rtsp_transport", "udp", seconds=0.3 * number))
            for number in range(6)
        )
        self.assertFalse(any(one.called for one in playing))
        played = await defer.gatherResults(playing)
        self.assertEqual(played, [await frames("-i", clip("vtest_h264_baseline.mp4"))] * 2)
        self.assertEqual(len(self.served.service.sessions), 0)


@needs_gstreamer
class GstreamerTests(Playing):
    """GStreamer plays to the end by itself.

    At the pace of recording, and without B-frames: where times run to and fro, or fast, its guess of when the range is
    over goes wrong under load, and it ends of itself too early, or not at all.
    """

    async def play(self, name: str, depay: str, protocol: str, pictures: int = 40) -> None:
        footage = beginning(ClipFootage(name), 4)
        source = f"rtspsrc location={self.serve(footage)}?{QUERY} protocols={protocol} latency=100"
        pipeline = f"{source} ! {depay} ! decodebin ! identity silent=false ! fakesink sync=false"
        out, err, _ = await run("gst-launch-1.0", "-v", *pipeline.split(), seconds=90)
        said = [line for line in out.splitlines() if " stats = " not in line and "chain " not in line]
        self.assertIn(GST_ENDED, out, "\n".join([err, *said]))
        # it ends by its own clock: where it has to wait for the processor it does without the last pictures
        self.assertTrue(0.8 * pictures <= out.count("chain   *") <= pictures, out.count("chain   *"))

    def test_h264(self) -> Awaitable[Any]:
        """H.264 inside the connection and as datagrams, at once."""
        return at_once(*(self.play("vtest_h264_baseline.mp4", "rtph264depay", each) for each in ("tcp", "udp")))

    def test_other_codecs(self) -> Awaitable[Any]:
        """H.265 inside the connection, JPEG as datagrams, at once."""
        return at_once(
            self.play("vtest_h265.mp4", "rtph265depay", "tcp"),
            self.play("standard_huffman.mkv", "rtpjpegdepay", "udp"),
        )

    async def test_camera_number_lost(self) -> None:
        """Without a slash before the question mark GStreamer asks for /player/regul/track1 and still plays."""
        url = self.serve(ClipFootage("vtest_h264_baseline.mp4", 6)).rstrip("/")
        pipeline = f"rtspsrc location={url}?{QUERY} protocols=tcp latency=100 ! rtph264depay ! fakesink sync=false"
        out, err, _ = await run("gst-launch-1.0", *pipeline.split(), seconds=90)
        self.assertIn(GST_ENDED, out, err)
