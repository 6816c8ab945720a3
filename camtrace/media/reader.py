"""Reads a camera's stream, whatever it speaks."""

from __future__ import annotations

import av

from camtrace.errors import StreamFailure
from camtrace.media.camera_socket import Stop
from camtrace.media.http_input import read_http
from camtrace.media.packets import PacketSink
from camtrace.media.rtsp_client import open_session
from camtrace.media.rtsp_input import RtspStream, open_rtsp
from camtrace.media.source import Patience, Remark, Source, Stopped

av.logging.set_level(None)  # libav's log has nothing to say to a person


def read(source: Source, sink: PacketSink, stopped: Stopped, remark: Remark, patience: Patience) -> Reading | None:
    """Connect, and hand packets to `sink`, in the camera's own thread, which waits for the camera.

    Over HTTP, where a picture's time is that of its arrival, until the end or until `stopped()`. Over RTSP only until
    pictures are to come: then the rest is a `Reading`. None when it is over already.

    `remark(code, values)` tells what is worth a line in the journal while the stream goes on. Raises StreamFailure, and
    nothing else: a fault of this program becomes one too, of kind "internal".
    """
    try:
        if source.scheme not in ("rtsp", "rtsps"):
            read_http(source, sink, stopped, patience)
            return None
        return Reading(source, open_rtsp(source, sink, stopped, remark, patience))
    except StreamFailure:
        raise
    except Stop:
        return None
    except Exception as error:
        raise _internal(source, error) from None


def ask(source: Source, stopped: Stopped, patience: Patience) -> None:
    """Ask a camera over RTSP what it offers, and hang up. Raises StreamFailure as `read` does."""
    try:
        client, _ = open_session(source, stopped, patience)
        client.close()
    except StreamFailure:
        raise
    except Stop:
        return
    except Exception as error:
        raise _internal(source, error) from None


class Reading:
    """An open stream, to be read by one thread or another, a little at a time."""

    def __init__(self, source: Source, stream: RtspStream) -> None:
        self._source = source
        self._stream = stream

    def step(self) -> bool:
        """Take what has come, without waiting; False when it was stopped. Raises StreamFailure when it is over."""
        try:
            self._stream.step()
            return True
        except Stop:
            self._stream.close("stopped")
            return False
        except StreamFailure:
            self._stream.close("ended")
            raise
        except Exception as error:
            self._stream.close("ended")
            raise _internal(self._source, error) from None


def _internal(source: Source, error: Exception) -> StreamFailure:
    """Its text may quote anything, so only its type and place go on."""
    return source.failure("internal", detail=f"{type(error).__name__} at {_place(error)}")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
