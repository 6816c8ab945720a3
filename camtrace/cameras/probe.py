"""Tries a camera with settings that may not be saved yet, and tells step by step what it found."""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.internet import defer

from camtrace import clock
from camtrace.cameras.ports import Feeds
from camtrace.cameras.reach import knock, place, resolve
from camtrace.cameras.status import REASONS, judge
from camtrace.cameras.streams import stream_url, without_login
from camtrace.errors import StreamFailure
from camtrace.i18n import N_
from camtrace.model import Camera

# the whole test; a person waits for it
_SECONDS = 12.0
_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 8.0

ADDRESS = N_("The picture address is {url}")
NAME = N_("The name {host} belongs to {address}")
PORT = N_("{host}:{port} answers in {milliseconds} ms")
LOGIN = N_("The login is accepted")
NO_LOGIN = N_("No login is needed")
PICTURES = N_("Pictures arrive: {codec}, {width} × {height}")
RATE = N_("{frames} pictures a second, {kilobits} kbit/s")
SOUND = N_("Its sound ({codec}) cannot be recorded and is left out")
TOO_LONG = N_("No picture came in {seconds} s")


class Step(NamedTuple):
    """One thing that was found out. `result`: "ok", "warn" or "bad". `text`: a message id that `values` fill."""

    code: str
    result: str
    text: str
    values: dict[str, str | int | float]


class _Look:
    """Listens to one connection until its first figures, its end, or the patience of who waits."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.figures: dict[str, Any] = {}
        self.done: defer.Deferred[StreamFailure | None] = defer.Deferred()

    def began(self, codec: str, width: int, height: int) -> None:
        if not self.figures:
            self.steps.append(Step("pictures", "ok", PICTURES, {"codec": codec, "width": width, "height": height}))
        self.figures |= {"codec": codec, "width": width, "height": height}

    def flowed(self, frames_per_second: float, bits_per_second: float) -> None:
        if "frames_per_second" in self.figures or not self.figures:
            return
        frames, bits = round(frames_per_second, 1), round(bits_per_second)
        self.figures |= {"frames_per_second": frames, "bits_per_second": bits}
        self.steps.append(Step("rate", "ok", RATE, {"frames": frames, "kilobits": bits // 1000}))
        self._finish(None)

    def remarked(self, code: str, values: dict[str, str]) -> None:
        if code == "audio_ignored":
            self.steps.append(Step("sound", "warn", SOUND, dict(values)))

    def ended(self, failure: StreamFailure | None) -> None:
        self._finish(failure)

    def _finish(self, failure: StreamFailure | None) -> None:
        if not self.done.called:
            self.done.callback(failure)


class Probe:
    """`feeds` opens connections that nobody else sees: nothing is recorded, nothing shown, nothing counted."""

    def __init__(self, reactor: Any, feeds: Feeds[Any]) -> None:
        self._reactor = reactor
        self._feeds = feeds

    async def test(self, camera: Camera, password: str) -> dict[str, Any]:
        """What the camera does with these settings; `password` in clear.

        `{"ok": bool, "steps": [{"code", "result", "text", "values"}], "codec", "width", "height", "frames_per_second",
        "bits_per_second"}`, the figures as far as they are known. Ends within about 25 s; raises nothing.
        """
        steps: list[Step] = []
        figures: dict[str, Any] = {}
        try:
            await self._reach(camera, password, steps)
            figures = await self._look(camera, password, steps)
        except StreamFailure as failure:
            steps.append(_bad(failure))
        fine = bool(figures) and all(step.result != "bad" for step in steps)
        return {"ok": fine, "steps": [step._asdict() for step in steps], **figures}

    async def _reach(self, camera: Camera, password: str, steps: list[Step]) -> None:
        """Address, name, port, login: the steps before a picture."""
        url = stream_url(camera)
        if not url:
            raise StreamFailure("unknown_model", camera.address, camera.http_port)
        scheme, host, port = place(url)
        steps.append(Step("address", "ok", ADDRESS, {"url": without_login(url)}))
        address = await resolve(self._reactor, host)
        if address != host:
            steps.append(Step("name", "ok", NAME, {"host": host, "address": address}))
        began = clock.monotonic()
        await knock(self._reactor, host, address, port, _CONNECT_SECONDS)
        milliseconds = max(1, round((clock.monotonic() - began) * 1000))
        steps.append(Step("port", "ok", PORT, {"host": host, "port": port, "milliseconds": milliseconds}))
        if scheme in ("rtsp", "rtsps"):
            try:
                asked = self._feeds.ask(url, login=camera.login, password=password)
                await asked.addTimeout(_ANSWER_SECONDS, self._reactor)
            except defer.TimeoutError:
                raise StreamFailure("timeout", host, port, detail="no answer") from None
            steps.append(Step("login", "ok", LOGIN if camera.login else NO_LOGIN, {}))

    async def _look(self, camera: Camera, password: str, steps: list[Step]) -> dict[str, Any]:
        """Connect as the server would, and wait for the first figures."""
        look = _Look()
        feed = self._feeds.open(
            camera.uid,
            stream_url(camera),
            [],
            look,
            login=camera.login,
            password=password,
            transport=camera.transport,
            codec=camera.codec,
            label="test",
        )
        patience = self._reactor.callLater(_SECONDS, look.ended, None)
        failure = await look.done
        if patience.active():
            patience.cancel()
        await feed.stop()
        steps += look.steps
        if failure is not None:
            raise failure
        if not look.figures:
            steps.append(Step("timeout", "bad", TOO_LONG, {"seconds": round(_SECONDS)}))
        return look.figures


def _bad(failure: StreamFailure) -> Step:
    verdict = judge(failure)
    values: dict[str, str | int | float] = {"detail": verdict.detail}
    if failure.status:
        values["status"] = failure.status
    return Step(verdict.reason, "bad", REASONS[verdict.reason], values)
