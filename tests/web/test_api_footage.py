"""Recordings, pictures and clips over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.web import FRONT, NOON, Browser, Clip, WebShop
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.errors import CamTraceError
from camtrace.model import Sound
from camtrace.web.api.footage import disposition
from camtrace.web.flow import Unsatisfiable, read_range

VIDEO = "/api/v1/cameras/1/video.mp4?start=2026-11-20T12:00:00Z&stop=2026-11-20T12:01:00Z"


class RangeTests(SynchronousTestCase):
    """RFC 9110 section 14: the forms of a byte range, over 100 bytes."""

    def test_forms(self) -> None:
        """First and last, open end, the last N, and more than there is."""
        for header, part in (
            ("bytes=0-9", (0, 10)),
            ("bytes=90-", (90, 10)),
            ("bytes=-10", (90, 10)),
            ("bytes=-500", (0, 100)),
            ("bytes=50-500", (50, 50)),
            ("Bytes = 5 - 5", (5, 1)),
        ):
            self.assertEqual(read_range(header, 100), part, header)

    def test_the_whole(self) -> None:
        """What is no single byte range is answered by the whole."""
        for header in (None, "", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,5-6", "bytes=9-3", "bytes=a-b"):
            self.assertIsNone(read_range(header, 100), header)

    def test_outside(self) -> None:
        """A range outside the content cannot be satisfied."""
        for header in ("bytes=100-", "bytes=-0", "bytes=200-300"):
            self.assertRaises(Unsatisfiable, read_range, header, 100)


class FootageApiTests(SynchronousTestCase):
    """What cameras recorded."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.clip = self.shop.footage.clips[101] = Clip(bytes(range(256)) * 4000)
        self.anna = Browser(self.shop, token=self.shop.token())
        self.boris = Browser(self.shop, token=self.shop.token("boris"))

    def test_recordings(self) -> None:
        """Spans and gaps, with instants in both forms."""
        start = int(NOON.timestamp())
        answer = self.anna.get(f"/api/v1/cameras/1/recordings?start={start}.5&stop=2026-11-20T13:00:00%2B00:00")
        self.assertEqual(
            answer.json,
            {
                "spans": [{"start": "2026-11-20T12:00:00.000000Z", "stop": "2026-11-20T12:00:30.000000Z"}],
                "gaps": [{"start": "2026-11-20T12:00:30.000000Z", "stop": None, "cause": "camera"}],
            },
        )
        asked = ("spans", 101, "regular", NOON + timedelta(seconds=0.5), NOON + timedelta(hours=1))
        self.assertEqual(self.shop.footage.asked, [asked])

    def test_bad_spans(self) -> None:
        """Inverted, empty, senseless, or of an unknown kind."""
        for query, field in (
            ("start=2&stop=1", "stop"),
            ("start=1&stop=1", "stop"),
            ("start=yesterday", "start"),
            ("start=2026-13-01", "start"),
            ("stop=99999999999999", "stop"),
            ("kind=some", "kind"),
        ):
            answer = self.anna.get(f"/api/v1/cameras/1/recordings?{query}")
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field), query)

    def test_whole_clip(self) -> None:
        """The footage as it is, with its length."""
        answer = self.boris.get(VIDEO)
        self.assertEqual((answer.code, answer.body), (200, self.clip.content))
        self.assertEqual((answer.header("content-type"), answer.header("accept-ranges")), ("video/mp4", "bytes"))

    def test_range(self) -> None:
        """A part, as players ask for it; after a change the whole."""
        answer = self.boris.get(VIDEO, headers={"Range": "bytes=1000-1009"})
        self.assertEqual((answer.code, answer.body), (206, self.clip.content[1000:1010]))
        self.assertEqual(answer.header("content-range"), "bytes 1000-1009/1024000")
        etag = answer.header("etag")
        for condition, code in ((etag, 206), ('"other"', 200)):
            headers = {"Range": "bytes=1000-1009", "If-Range": condition}
            self.assertEqual(self.boris.get(VIDEO, headers=headers).code, code)

    def test_impossible_range(self) -> None:
        """416 says how long the clip is."""
        answer = self.boris.get(VIDEO, headers={"Range": "bytes=2000000-"})
        self.assertEqual((answer.code, answer.header("content-range")), (416, "bytes */1024000"))

    def test_head(self) -> None:
        """HEAD reads nothing."""
        answer = self.boris.ask("HEAD", VIDEO)
        self.assertEqual((answer.code, answer.header("content-length")), (200, "1024000"))
        self.assertEqual(self.clip.reads, 0)

    def test_download(self) -> None:
        """To keep a clip one needs the right to export; it is named after camera and instant."""
        answer = self.anna.get(VIDEO + "&download=1")
        self.assertIn('filename="Front till 2026-11-20 12-00-00Z.mp4"', answer.header("content-disposition"))
        self.assertEqual(self.boris.get(VIDEO + "&download=1").code, 403)

    def test_how_far_it_goes(self) -> None:
        """It may end before what was asked for."""
        self.assertEqual(self.anna.get(VIDEO).header("footage-stop"), "2026-11-20T12:01:00.000000Z")

    def test_sound(self) -> None:
        """The sound alone, for who may replay; 404 where there is none."""
        path = "/api/v1/cameras/1/sound.mp4?start=2026-11-20T12:00:00Z&stop=2026-11-20T12:00:20Z"
        self.assertEqual(self.anna.get(path).code, 404)
        mime = 'audio/mp4; codecs="mp4a.40.2"'
        began = clock.to_us(NOON)
        self.shop.footage.sounds[101] = Sound(b"sound", mime, began, began + 19_500_000)
        answer = self.boris.get(path)
        self.assertEqual((answer.code, answer.body, answer.header("content-type")), (200, b"sound", mime))
        self.assertEqual(answer.header("footage-stop"), "2026-11-20T12:00:19.500000Z")
        self.assertEqual(self.shop.footage.asked[-1], ("sound", 101, NOON, NOON + timedelta(seconds=20)))
        long = self.anna.get(path.replace("12:00:20", "12:10:01"))
        self.assertEqual((long.code, long.json["error"]["field"]), (400, "stop"))

    def test_names_of_files(self) -> None:
        """A camera's name cannot break out of the header, and survives in full where browsers understand it."""
        header = disposition(replace(FRONT, name='Касса "1"\r\n/..'), NOON)
        plain = header.partition(";")[2].partition(";")[0].strip()
        self.assertEqual(plain, 'filename="_____ _1____.. 2026-11-20 12-00-00Z.mp4"')
        self.assertTrue(header.isascii() and header.isprintable())
        self.assertIn("filename*=UTF-8''%D0%9A", header)

    def test_nothing_recorded(self) -> None:
        """404, and 400 for more than a day or half a span."""
        self.assertEqual(self.anna.get(VIDEO.replace("/1/", "/2/")).code, 404)
        self.assertEqual(self.anna.get("/api/v1/cameras/1/video.mp4?start=0&stop=86401").json["error"]["field"], "stop")
        self.assertEqual(self.anna.get("/api/v1/cameras/1/video.mp4?stop=5").json["error"]["field"], "start")

    def test_deleted_camera(self) -> None:
        """The footage of a deleted camera is under its uid; the camera that has its number now shows only its own."""
        self.shop.footage.clips[90] = Clip(b"old footage")
        old = VIDEO.replace("/1/", "/uid:90/")
        self.assertEqual(self.anna.get(old).body, b"old footage")
        self.assertEqual(self.anna.get(VIDEO).body, self.clip.content)
        self.assertEqual(self.boris.get(old).code, 404)

    def test_wall_time(self) -> None:
        """A replay may ask for media time that is wall time; it is another file."""
        self.anna.get(VIDEO)
        self.assertEqual(self.shop.footage.asked[-1][-1], False)
        one, other = self.anna.get(VIDEO), self.anna.get(VIDEO + "&absolute=1")
        self.assertEqual(self.shop.footage.asked[-1][-1], True)
        self.assertNotEqual(one.header("etag"), other.header("etag"))

    def test_deleted_meanwhile(self) -> None:
        """Footage whose files are gone when it is read is a whole, honest error."""

        async def gone(offset: int, length: int) -> bytes:
            raise CamTraceError("the footage was deleted")

        self.clip.read = gone
        answer = self.anna.get(VIDEO)
        self.assertEqual((answer.code, answer.json["error"]["message"]), (500, "the footage was deleted"))
        self.assertEqual(answer.header("etag"), "")

    def test_pictures(self) -> None:
        """The newest picture and a recorded one; none is 404."""
        self.shop.live.pictures[101] = b"now"
        self.shop.footage.pictures[101] = b"then"
        answer = self.boris.get("/api/v1/cameras/1/snapshot.jpg")
        self.assertEqual((answer.body, answer.header("content-type")), (b"now", "image/jpeg"))
        self.assertEqual(self.boris.get("/api/v1/cameras/1/snapshot.jpg?at=2026-11-20T12:00:05").body, b"then")
        self.assertEqual(self.shop.footage.asked[-1], ("picture", 101, NOON + timedelta(seconds=5)))
        self.assertEqual(self.anna.get("/api/v1/cameras/2/snapshot.jpg").code, 404)
        self.assertEqual(self.anna.get("/api/v1/cameras/2/snapshot.jpg?at=1").code, 404)
