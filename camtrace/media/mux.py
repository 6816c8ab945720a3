"""Packets into fragmented MP4, one fragment at a time, without transcoding.

Both the recorder and the live feed are made of what this gives: one `ftyp`+`moov`, then whole `moof`+`mdat` pairs
whose `tfdt` carries absolute media time, so that any of them can be played behind the initial one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import av

from camtrace.media.packets import SourceTrack
from camtrace.media.template import CannotMux, open_template

__all__ = ["CannotMux", "FragmentMuxer"]

# frag_discont and delay_moov together keep tfdt as given; without both libav starts it at 0.
_FLAGS = "empty_moov+default_base_moof+frag_discont+delay_moov+skip_trailer"
# An edit list would move the times of a stream with B-frames by a constant, different for each track.
_OPTIONS = {"use_editlist": "0", "avoid_negative_ts": "disabled", "max_interleave_delta": "1"}
# A fragment larger than this is cut over several writes; a key frame of 4 MiB is beyond any camera.
_BUFFER = 4 << 20


class FragmentMuxer:
    """Turns the packets of `tracks` into an MP4's initial bytes and then fragments, each handed to `write`.

    `write` is called in the thread that calls `mux` or `close`: first with `ftyp`+`moov`, then with exactly one
    `moof`+`mdat` per call. A fragment ends before a key frame of the video, and after `fragment_us` of media time; with
    `frame_fragments` each holds one frame. libav holds everything back until every track has had a packet, so give
    only tracks that speak. A fragment is written when the packet behind it arrives.
    """

    def __init__(
        self,
        tracks: tuple[SourceTrack, ...],
        write: Callable[[bytes], None],
        *,
        frame_fragments: bool = False,
        fragment_us: int = 500_000,
    ) -> None:
        self.tracks = tracks
        self._out = _Output(write)
        self._templates = [open_template(track) for track in tracks]
        options = {**_OPTIONS, "movflags": _FLAGS}
        if frame_fragments:
            options["movflags"] += "+frag_every_frame"
        else:
            options["frag_duration"] = str(fragment_us)
            if tracks[0].codec != "mjpeg":  # there every frame is a key frame
                options["movflags"] += "+frag_keyframe"
        self._container = av.open(self._out, "w", format="mp4", options=options, buffer_size=_BUFFER)
        self._streams = [self._stream(track, template) for track, template in zip(tracks, self._templates, strict=True)]
        self._last: list[int | None] = [None] * len(tracks)
        self._step = [0] * len(tracks)

    def mux(self, track: int, packet: av.Packet[Any], dts: int, pts: int) -> None:
        """Add a packet at the absolute media time `dts`, `pts` (ticks of the track's time base).

        The packet is in its track's time base, and is given back as it came. `dts` must grow within a track. Raises
        `CannotMux`.
        """
        stream, kept_dts, kept_pts, kept_duration = packet.stream, packet.dts, packet.pts, packet.duration
        try:
            packet.stream = self._streams[track]
            packet.dts, packet.pts = dts, pts
            packet.duration = kept_duration or self._step[track]
            self._container.mux_one(packet)
        except (av.error.FFmpegError, ValueError) as error:
            raise CannotMux(f"a {self.tracks[track].codec} packet at {dts} was refused: {error}") from error
        finally:
            packet.dts, packet.pts, packet.duration = kept_dts, kept_pts, kept_duration
            if stream is not None:  # a packet made from bytes has none, and takes none back
                packet.stream = stream
        last = self._last[track]
        if last is not None:
            self._step[track] = dts - last
        self._last[track] = dts

    def close(self) -> None:
        """Write what is held as a last fragment. Raises `CannotMux` when libav refuses."""
        try:
            self._container.close()
        except (av.error.FFmpegError, ValueError) as error:
            raise CannotMux(f"the last fragment was refused: {error}") from error
        finally:
            for template in self._templates:
                template.close()

    def _stream(self, track: SourceTrack, template: Any) -> Any:
        stream = self._container.add_stream_from_template(template.streams[0], opaque=True)
        stream.time_base = track.time_base
        if track.codec == "h265":  # hvc1 keeps the parameter sets in the moov; players of Apple want it
            stream.codec_context.codec_tag = "hvc1"
        return stream


class _Output:
    """What libav writes to: without `seek`, so that it never goes back."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)

    def close(self) -> None:
        """Nothing to close: the bytes are gone already."""
