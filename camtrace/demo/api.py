"""What the demo asks of the server's HTTP API."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from twisted.internet import task
from twisted.internet.error import ConnectError
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseFailed, readBody
from twisted.web.http_headers import Headers

from camtrace.errors import StartError

_POLL_SECONDS = 0.25


class Api:
    """The API at an address, with a bearer token once there is one."""

    def __init__(self, reactor: Any, address: str) -> None:
        self.token = ""
        self._reactor = reactor
        self._address = address
        self._agent = Agent(reactor, connectTimeout=5, pool=HTTPConnectionPool(reactor, persistent=False))

    async def call(self, method: str, path: str, values: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status code and decoded JSON (None where it is none) of one call."""
        headers = Headers({"Accept": ["application/json"]})
        if self.token:
            headers.addRawHeader("Authorization", f"Bearer {self.token}")
        body = None
        if values is not None:
            headers.addRawHeader("Content-Type", "application/json")
            body = FileBodyProducer(io.BytesIO(json.dumps(values).encode()))
        url = f"{self._address}/api/v1{path}".encode()
        response = await self._agent.request(method.encode(), url, headers, body)
        text = await readBody(response)
        try:
            return response.code, json.loads(text)
        except ValueError:
            return response.code, None

    async def healthy(self) -> None:
        """Wait until the server says that it is in order. Cancel to give up."""
        while True:
            try:
                status, _ = await self.call("GET", "/health")
                if status == 200:
                    return
            except (ConnectError, ResponseFailed):
                pass  # not open yet: that is what is awaited
            await task.deferLater(self._reactor, _POLL_SECONDS)

    async def ensure_camera(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The camera of this name: made when there is none, changed when its stream or its till is another."""
        status, found = await self.call("GET", "/cameras?limit=1000")
        _expect(status, found)
        present = [camera for camera in found["items"] if camera["name"] == wanted["name"]]
        if not present:
            status, made = await self.call("POST", "/cameras", wanted)
        elif any(present[0].get(key) != wanted[key] for key in ("url", "overlay_ids")):
            changed = {"url": wanted["url"], "overlay_ids": wanted["overlay_ids"]}
            status, made = await self.call("PATCH", f"/cameras/{present[0]['id']}", changed)
        else:
            status, made = 200, present[0]
        return _expect(status, made)

    async def ensure_rules(self, names: Mapping[str, str]) -> None:
        """Switch on these rules to begin with, each under a name of one's own, where there is none of that name yet."""
        status, there = await self.call("GET", "/rules")
        present = {rule["name"] for rule in _expect(status, there)["items"]}
        status, found = await self.call("GET", "/rules/presets")
        presets = {rule["name"]: rule for rule in _expect(status, found)["items"]}
        for preset, name in names.items():
            if name not in present:
                rule = {**presets[preset], "name": name, "enabled": True}
                _expect(*await self.call("POST", "/rules", rule))

    async def register_source(self, source: str, name: str, encoding: str) -> None:
        """Let the server know a Prisma source, what people call it and what its letters are in."""
        for path, method, values in (
            (f"/prisma/sources/{source}", "PUT", {"name": name, "encoding": encoding}),
            (f"/sources/{source}", "PATCH", {"label": name}),
        ):
            _expect(*await self.call(method, path, values))


def _expect(status: int, answer: Any) -> dict[str, Any]:
    if status not in (200, 201) or not isinstance(answer, dict):
        message = answer.get("error", {}).get("message", "") if isinstance(answer, dict) else ""
        raise StartError(f"the server's API answered {status} {message}".strip())
    return answer
