"""A busy shop around a real server: cameras that never stop and tills that count their lines."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from support.server import Server

from camtrace.prisma.wire import Event, encode

CAMERA = Path(__file__).resolve().parent.parent / "support" / "gst_camera.py"


class Camera:
    """A GStreamer RTSP camera with a key frame each second, in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["/usr/bin/python3", CAMERA, "test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        word, port = self.process.stdout.readline().split()
        assert word == "ready"
        self.url = f"rtsp://127.0.0.1:{port}/stream"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(20)


class Till:
    """A till that sends numbered lines at a steady pace, reconnects at once, and never sends a line twice."""

    def __init__(self, name: str, port: int, pause: float = 0.05) -> None:
        self.name = name
        self.sent: dict[str, float] = {}
        self.by_connection: list[list[str]] = []
        self._port = port
        self._pause = pause
        self._running = True
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self) -> None:
        number = 0
        while self._running:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                    self.by_connection.append([])
                    while self._running:
                        number += 1
                        kind = "E" if number % 10 == 0 else "A"
                        rest = "ESPECES|9,00|9,00" if kind == "E" else f"1|{number}|ARTICLE|1,00"
                        connection.sendall(f"{self.name}|{number}|7|0|{kind}|{rest}\n".encode())
                        self.sent[str(number)] = time.time()
                        self.by_connection[-1].append(str(number))
                        time.sleep(self._pause)  # the pace is the point
            except OSError:
                time.sleep(self._pause)

    def stop(self) -> None:
        self._running = False
        self._thread.join(10)


class Gateway:
    """A Prisma gateway: numbered events of a till by UDP, at a steady pace, each sent once."""

    def __init__(self, number: int, port: int, pause: float = 0.05) -> None:
        self.name = f"KKM:{number}"
        self.sent: dict[str, float] = {}
        self._number = number
        self._port = port
        self._pause = pause
        self._running = True
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self) -> None:
        count = 0
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.bind(("127.5.0.1", 0))
            while self._running:
                count += 1
                event = Event("KKM", str(self._number), 6, receipt=str(count), goods_code=str(count), goods="Хлеб")
                sender.sendto(encode(event), ("127.0.0.1", self._port))
                self.sent[str(count)] = time.time()
                time.sleep(self._pause)  # the pace is the point

    def stop(self) -> None:
        self._running = False
        self._thread.join(10)


class Shop:
    """A server with cameras and tills; `close` ends everything."""

    def __init__(self, cameras: int = 8, tills: int = 5, extra: str = "") -> None:
        self.server = Server(extra=extra).start()
        self.server.administrator()
        self.cameras = [Camera() for _ in range(cameras)]
        for number, camera in enumerate(self.cameras, 1):
            status, answer = self.server.call("POST", "/api/v1/cameras", {"name": f"cam {number}", "url": camera.url})
            assert status == 201, answer
        self.tills = [Till(f"T{number}", self.server.pos) for number in range(1, tills + 1)]
        self.wait_recording()

    def wait_recording(self, after: float = 0.0, seconds: float = 60) -> None:
        """Until every camera has a span that reaches beyond `after` (Unix time) and grows."""
        deadline = time.monotonic() + seconds
        for number in range(1, len(self.cameras) + 1):
            while not any(stop > after for _, stop in self.spans(number)):
                assert time.monotonic() < deadline, (number, self.server.get(f"/api/v1/cameras/{number}/status"))
                time.sleep(0.1)  # the API is the only witness from outside

    def spans(self, camera: int) -> list[tuple[float, float]]:
        """What is recorded of the camera, as Unix times."""
        address = f"/api/v1/cameras/{camera}/recordings?kind=regular&start=0&stop={time.time() + 60}"
        deadline = time.monotonic() + 10
        while (answered := self.server.call("GET", address))[0] == 503:  # the database has just come back
            assert time.monotonic() < deadline, answered
            time.sleep(0.2)
        status, answer = answered
        assert status == 200, answer
        return [(_unix(span["start"]), _unix(span["stop"])) for span in answer["spans"]]

    def stored(self, till: Till | Gateway) -> list[str]:
        """The numbers of the till's lines in the external log, the newest first, each as often as it is there."""
        numbers, cursor = [], ""
        while True:
            answer = self.server.get(f"/api/v1/lines?source={till.name}&limit=1000{cursor}")
            numbers += [line["ticket"] for line in answer["items"]]
            if not answer["next"]:
                return numbers
            cursor = f"&cursor={quote(answer['next'])}"

    def close(self) -> None:
        for till in self.tills:
            till.stop()
        for camera in self.cameras:
            camera.stop()
        self.server.remove()


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
