"""Reads a camera's stream, whatever it speaks. Runs in the camera's own thread from the first byte to the last."""

from __future__ import annotations

from camtrace.errors import StreamFailure
from camtrace.media.failures import silence_libav
from camtrace.media.http_input import read_http
from camtrace.media.packets import PacketSink
from camtrace.media.rtsp_input import read_rtsp
from camtrace.media.source import Patience, Remark, Source, Stopped

silence_libav()


def read(source: Source, sink: PacketSink, stopped: Stopped, remark: Remark, patience: Patience) -> None:
    """Hand the stream's packets to `sink` until `stopped()`; then return.

    `remark(code, values)` tells what is worth a line in the journal while the stream goes on. Raises StreamFailure, and
    nothing else: a fault of this program becomes one too, of kind "internal".
    """
    try:
        if source.scheme in ("rtsp", "rtsps"):
            read_rtsp(source, sink, stopped, remark, patience)
        else:
            read_http(source, sink, stopped, patience)
    except StreamFailure:
        raise
    except Exception as error:  # its text may quote anything, so only its type and place go on
        raise source.failure("internal", detail=f"{type(error).__name__} at {_place(error)}") from None


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
