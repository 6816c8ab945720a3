"""Cameras for the preview: clips that play for ever, live and as if they had been recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from twisted.internet import task

from camtrace import clock
from camtrace.media.mux import FragmentMuxer
from camtrace.media.packets import SourceTrack
from camtrace.model import Camera, Gap, Span

HOLE = (timedelta(minutes=50), timedelta(minutes=45))  # before the start: nothing was recorded in between


def packets(clip: Path) -> tuple[SourceTrack, list[tuple[bytes, float, float, bool]]]:
    """The video of a clip: its track and (bytes, dts, pts, key) with times in seconds."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        track = SourceTrack("h264", Fraction(1, 90000), bytes(context.extradata or b""), context.width, context.height)
        found = [
            (
                bytes(packet),
                float(packet.dts * packet.time_base),
                float(packet.pts * packet.time_base),
                packet.is_keyframe,
            )
            for packet in container.demux(stream)
            if packet.size
        ]
    return track, found


class Film:
    """A clip that plays for ever: picture N is due at a known second."""

    def __init__(self, clip: Path) -> None:
        self.track, self._packets = packets(clip)
        self.length = self._packets[-1][1] - self._packets[0][1] + (self._packets[1][1] - self._packets[0][1])

    def mp4(self, start_us: int, stop_us: int, frames: bool = False) -> tuple[list[bytes], list[tuple[int, bool]]]:
        """[init, fragment …] of the pictures due in this span, from the key frame before it, with wall time inside."""
        pieces: list[bytes] = []
        times: list[tuple[int, bool]] = []
        muxer = FragmentMuxer((self.track,), pieces.append, frame_fragments=frames)
        for data, dts, pts, key in self._due(start_us / 1e6, stop_us / 1e6):
            packet = av.Packet(data)
            packet.time_base, packet.is_keyframe = Fraction(1, 90000), key
            packet.dts, packet.pts = int(dts * 90000), int(pts * 90000)
            muxer.mux(0, packet, packet.dts, packet.pts)
            times.append((int(pts * 1e6), key))
        muxer.close()
        return pieces, times

    def _due(self, start: float, stop: float) -> Iterator[tuple[bytes, float, float, bool]]:
        turn = int(start // self.length)
        all_of_it = []
        while turn * self.length < stop:
            all_of_it += [
                (d, dts + turn * self.length, pts + turn * self.length, key) for d, dts, pts, key in self._packets
            ]
            turn += 1
        keys = [dts for _, dts, _, key in all_of_it if key and dts <= start]
        first = keys[-1] if keys else all_of_it[0][1]
        return (one for one in all_of_it if first <= one[1] < stop)


def jpeg(film: Film, at: float) -> bytes:
    """The picture due at the second `at`, or half a second before: decoding is dear here."""
    return _jpeg(film, int(at * 2) / 2)


@lru_cache(maxsize=256)
def _jpeg(film: Film, at: float) -> bytes:
    pieces, _ = film.mp4(int(at * 1e6), int((at + 0.2) * 1e6))
    with av.open(BytesIO(b"".join(pieces))) as container:
        frame = next(container.decode(video=0))
        out = BytesIO()
        frame.to_image().save(out, "JPEG", quality=80)
    return out.getvalue()


class LiveFilms:
    """`Live` by films; a camera can be taken away with `lose`."""

    def __init__(self, films: dict[int, Film], stills: set[int]) -> None:
        self._films, self._stills, self._lost = films, stills, set()
        self._viewers: dict[int, list[Any]] = {}

    def watch(self, camera_uid: int, viewer: Any, stills: bool = False) -> Any:
        if camera_uid not in self._films or camera_uid in self._lost:
            return lambda: None
        loop = task.LoopingCall(self._show, camera_uid, viewer, state := {"sent": 0, "begun": False, "stills": stills})
        self._viewers.setdefault(camera_uid, []).append((viewer, loop))
        loop.start(0.1)
        state["loop"] = loop
        return lambda: loop.running and loop.stop()

    def _show(self, uid: int, viewer: Any, state: dict[str, Any]) -> None:
        film, now = self._films[uid], clock.now_us()
        if uid in self._stills or state["stills"]:
            if not state["begun"]:
                viewer.live_started("image/jpeg", b"", "" if uid == 102 else "key_frames")
                state["begun"] = True
            if now - state["sent"] > 400_000:
                state["sent"] = now
                viewer.live_fragment(jpeg(film, now / 1e6), True, now)
            return
        since = state["sent"] or now - 500_000
        pieces, times = film.mp4(since, now + 500_000, frames=True)  # what ends a file is not sent
        if not state["begun"]:
            viewer.live_started('video/mp4; codecs="avc1.64001f"', pieces[0], "")
            state["begun"] = True
        for piece, (at, key) in zip(pieces[1:], times, strict=False):
            if state["sent"] < at <= now:
                viewer.live_fragment(piece, key, at)
                state["sent"] = at

    def lose(self, uid: int) -> None:
        self._lost.add(uid)
        for viewer, loop in self._viewers.pop(uid, []):
            if loop.running:
                loop.stop()
                viewer.live_ended("refused")

    async def picture(self, camera_uid: int) -> bytes | None:
        if camera_uid not in self._films:
            return None
        return jpeg(self._films[camera_uid], clock.now_us() / 1e6)


class Mp4Bytes:
    """An MP4 in memory."""

    mime = "video/mp4"

    def __init__(self, content: bytes, start: Any, stop: Any) -> None:
        self._content, self.length, self.start, self.stop = content, len(content), start, stop

    async def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]


class FilmFootage:
    """`Footage` by films: four hours until now, with a hole."""

    def __init__(self, films: dict[int, Film]) -> None:
        self._films = films
        self._born = clock.now()

    async def spans(self, camera_uid: int, kind: str, start: Any, stop: Any) -> list[Span]:
        if camera_uid not in self._films:
            return []
        b = self._born
        whole = [(b - timedelta(hours=4), b - HOLE[0]), (b - HOLE[1], clock.now())]
        return [Span(max(f, start), min(t, stop)) for f, t in whole if max(f, start) < min(t, stop)]

    async def gaps(self, camera_uid: int, start: Any, stop: Any) -> list[Gap]:
        if camera_uid not in self._films:
            return []
        return [Gap(camera_uid, self._born - HOLE[0], self._born - HOLE[1], "camera")]

    async def mp4(self, camera: Camera, kind: str, start: Any, stop: Any, *, absolute: bool = False) -> Any:
        if not await self.spans(camera.uid, kind, start, stop):
            return None
        film = self._films[camera.uid]
        pieces, _ = film.mp4(clock.to_us(start), clock.to_us(stop))
        return Mp4Bytes(b"".join(pieces), start, stop)

    async def sound(self, camera: Camera, start: Any, stop: Any) -> Any:
        return None

    async def picture(self, camera: Camera, at: Any) -> bytes | None:
        return jpeg(self._films[camera.uid], clock.to_us(at) / 1e6) if camera.uid in self._films else None
