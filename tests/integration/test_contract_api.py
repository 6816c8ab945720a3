"""The HTTP API and the `camtrace` command against the running server, call by call."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from support.alarms import ALARM
from support.modbus_box import modbus_box
from support.needs import needs
from support.outside import OneServer, cursor, http_call, raw_call, soon
from support.server import BIN

URL = "rtsp://127.0.0.1:9/stream"
SECRET = "pa55 wörd:/@?#"


@needs("postgresql")
class ApiTests(OneServer):
    """Cameras, errors, journal, health, figures, tokens, console."""

    def bare(self, method: str, path: str, token: str | None = None, **headers: str) -> Any:
        """A call with nothing but what is given."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return http_call(self.server.web, method, path, headers)

    # ── cameras ──

    def test_a_contact_raises_an_alarm(self) -> None:
        """From the input of a box to the alarm on the camera it is tied to, with settings that act at once."""
        camera = self.add_camera(url=URL)
        with modbus_box() as box:
            contact = {"name": "Back door", "cameras": [camera["id"]]}
            body = {"name": "CamIO 1", "host": "127.0.0.1", "port": box.port, "interval_ms": 50, "contacts": [contact]}
            status, made = self.server.call("POST", "/api/v1/contact-boxes", body)
            self.assertEqual(status, 201, made)
            path = f"/contact-boxes/{made['id']}"
            soon(lambda: self.get(path)["contacts"][0]["closed"] is False, "the box")
            box.set("inputs", 1)
            (alarm,) = soon(lambda: self.get("/alarms", cause="contact")["items"], "the alarm")
            told = [(one["cause"], one["from"], one["message"]) for one in alarm["triggers"]]
            self.assertEqual(told, [("contact", "Back door (box CamIO 1, input 1)", "closed")])
            self.assertEqual(alarm["camera"], camera["id"])
            box.end()
        soon(lambda: self.get(path)["state"]["code"] == "refused", "the loss")
        entries = soon(
            lambda: [e for e in self.get("/journal")["items"] if e["text"] == "contact_box_lost"], "its entry"
        )
        self.assertRegex(
            entries[0]["message"], r"^The contact box CamIO 1 at 127\.0\.0\.1, port \d+, [^{]+\. Its contacts"
        )
        self.assertEqual(self.server.call("DELETE", f"/api/v1{path}")[0], 204)

    def test_a_camera_is_asked_for_its_events(self) -> None:
        """It says in words why they do not come."""
        camera = self.add_camera(url=URL, address="127.0.0.1", http_port=9, events={"enabled": True})
        path = f"/cameras/{camera['id']}/status"
        told = soon(lambda: (found := self.get(path)["events"])["code"] == "refused" and found, "the refusal")
        self.assertEqual(told["reason"], "the camera does not answer: nothing listens at its address and port")

    def test_camera_defaults(self) -> None:
        """A name and a URL suffice; every field the contract names is there, with its default, and no password."""
        status, camera = self.server.call("POST", "/api/v1/cameras", {"name": "Caisse 1", "url": URL})
        self.addCleanup(self.server.call, "DELETE", f"/api/v1/cameras/{camera['id']}")
        self.assertEqual(status, 201)
        self.assertIsInstance(camera["id"], int)
        self.assertIsInstance(camera["uid"], str)
        wanted = {
            "name": "Caisse 1",
            "model": "",
            "address": "",
            "http_port": 80,
            "channel": 1,
            "url": URL,
            "sub_url": "",
            "login": "",
            "volume": "",
            "overlay_ids": [],
            "stop_streams_automatically": False,
        }
        self.assertEqual({name: camera[name] for name in wanted}, wanted)
        self.assertEqual(camera["regular"]["calendar"], "always")
        self.assertEqual(camera["alarm"], ALARM | {"pre_seconds": 5})
        self.assertNotIn("password", camera)
        self.assertEqual(self.get(f"/cameras/{camera['id']}")["name"], "Caisse 1")
        self.assertIn(camera["id"], [one["id"] for one in self.get("/cameras")["items"]])
        self.assertEqual(set(self.get("/cameras")), {"items", "next"})

    def test_camera_by_model(self) -> None:
        """A model and an address suffice too."""
        camera = self.add_camera(model="Axis 207", address="127.0.0.1", http_port=9, channel=2)
        self.assertEqual((camera["model"], camera["http_port"], camera["channel"]), ("Axis 207", 9, 2))
        status = self.get(f"/cameras/{camera['id']}/status")
        self.assertLessEqual({"status", "reason", "since", "frame_rate", "bit_rate", "codec"}, set(status))

    def test_camera_changed(self) -> None:
        """PATCH changes what is sent and nothing else, inside `regular` and `alarm` too; calendars go by name."""
        camera = self.add_camera(url=URL)
        path = f"/api/v1/cameras/{camera['id']}"
        body = {"name": "autre", "overlay_ids": ["1", " KKM:12 "], "alarm": {"pre_seconds": 9}}
        status, changed = self.server.call("PATCH", path, {**body, "regular": {"calendar": "never"}})
        self.assertEqual((status, changed["name"], changed["overlay_ids"]), (200, "autre", ["1", "KKM:12"]))
        self.assertEqual(changed["alarm"], ALARM | {"pre_seconds": 9})
        self.assertEqual(
            (changed["regular"]["calendar"], changed["url"], changed["uid"]), ("never", URL, camera["uid"])
        )
        self.assertEqual(self.server.get(path), self.server.get(path) | {"name": "autre", "url": URL})
        # who reads a camera and sends it back changes nothing
        self.assertEqual(self.server.call("PATCH", path, self.server.get(path))[0], 200)

    def test_lowest_free_number(self) -> None:
        """Numbers are the lowest free ones, a number asked for is given or refused as taken, a `uid` never returns."""
        first, second, third = (self.add_camera(url=URL) for _ in range(3))
        self.assertEqual([second["id"], third["id"]], [first["id"] + 1, first["id"] + 2])
        self.assertEqual(self.server.call("DELETE", f"/api/v1/cameras/{second['id']}")[0], 204)
        self.refused(404, "not_found", None, "GET", f"/cameras/{second['id']}")
        again = self.add_camera(url=URL)
        self.assertEqual(again["id"], second["id"])
        self.assertNotEqual(again["uid"], second["uid"])
        self.assertEqual(self.add_camera(url=URL, id=70)["id"], 70)
        self.refused(409, "conflict", "id", "POST", "/cameras", {"name": "x", "url": URL, "id": 70})
        self.assertNotIn("x", [one["name"] for one in self.get("/cameras")["items"]])

    def test_camera_refused(self) -> None:
        """Each fault of a field is told with its name."""
        wrong: dict[str, list[Any]] = {
            "name": ["", " ", None, 5, "x" * 101, "a\x00b"],
            "url": ["", "nonsense", "ftp://x/y", "rtsp://", "rtsp://host:99999/", "file:///etc/passwd", 7],
            "http_port": [0, 65536, "80", True, 1.5],
            "channel": [0, -1],
            "overlay_ids": ["1", [1], [""], ["x"] * 65],
            "password": [5, "x" * 300],
            "stop_streams_automatically": ["yes"],
            "address": ["http://x", "a b", "x:80"],
            "regular.calendar": [{"regular": {"calendar": "weekends"}}],
            "alarm.pre_seconds": [{"alarm": {"pre_seconds": -1}}],
            "regular": [{"regular": "always"}],
            "volume": ["nowhere", "/mnt", 5],
            "colour": ["red"],
        }
        for field, values in wrong.items():
            for value in values:
                with self.subTest(field=field, value=value):
                    fields = value if isinstance(value, dict) else {field: value}
                    body = {"name": "wrong", "url": URL, **fields}
                    self.refused(400, "invalid", field, "POST", "/cameras", body)
        self.refused(400, "invalid", "url", "POST", "/cameras", {"name": "only"})
        self.assertNotIn("wrong", [one["name"] for one in self.get("/cameras")["items"]])

    def test_volume(self) -> None:
        """The volumes of the configuration are told to who names another one, and taken."""
        (volume,) = self.get("/volumes")["items"]
        body = {"name": "wrong", "url": URL, "volume": "/mnt/other"}
        self.assertIn(volume["name"], self.refused(400, "invalid", "volume", "POST", "/cameras", body))
        for name in (volume["name"], "footage"):
            self.assertEqual(self.add_camera(url=URL, volume=name)["volume"], name)

    def test_bad_bodies(self) -> None:
        """A body that is no JSON object, or is called something else, is refused in the API's own words."""
        headers = {"Authorization": f"Bearer {self.server.token}", "Content-Type": "application/json"}
        for body in (b"", b"{", b"[]", b"null", b"\xff", b'{"name": NaN}', b"[" * 100_000):
            reply = http_call(self.server.web, "POST", "/api/v1/cameras", headers, body)
            self.assertEqual((reply.status, reply.error["code"]), (400, "invalid"), body[:20])
        plain = {**headers, "Content-Type": "text/plain"}
        self.assertEqual(http_call(self.server.web, "POST", "/api/v1/cameras", plain, b"{}").status, 400)
        surrogate = b'{"name": "\\ud800", "url": "rtsp://h/x"}'
        self.assertEqual(http_call(self.server.web, "POST", "/api/v1/cameras", headers, surrogate).status, 400)

    def test_unknown_addresses(self) -> None:
        """404 and 405 in the contract's shape."""
        for path in ("/cameras/99999", "/cameras/0", "/cameras/-1", "/cameras/x", "/cameras/uid:4000000", "/nothing"):
            self.refused(404, "not_found", None, "GET", path)
        for path in ("/cameras/99999999999999999999", "/cameras/uid:99999999999999999999", "/cameras/uid:x"):
            self.refused(404, "not_found", None, "GET", path)
        self.refused(405, "method_not_allowed", None, "PUT", "/cameras", {})

    def test_password_is_nowhere(self) -> None:
        """A camera's password, given apart or inside the URL, is in no answer, log, journal or database dump."""
        secrets = [SECRET, "tr0ub4dor-in-url"]
        apart = self.add_camera(url=URL, login="root", password=secrets[0])
        inside = self.add_camera(url=f"rtsp://bob:{secrets[1]}@127.0.0.1:9/x?a=1", sub_url=f"http://u:{secrets[1]}@h/")
        self.assertEqual(
            (inside["login"], inside["url"], inside["has_password"]), ("bob", "rtsp://127.0.0.1:9/x?a=1", True)
        )
        self.assertTrue(apart["has_password"])
        self.server.call("POST", "/api/v1/cameras/test", {"name": "x", "url": f"rtsp://a:{secrets[1]}@127.0.0.1:9/x"})
        for number in (apart["id"], inside["id"]):
            soon(lambda n=number: self.get(f"/cameras/{n}/status")["code"] == "refused", "refused")
        answers = [self.get("/cameras"), self.get("/journal", limit=1000), self.get(f"/cameras/{inside['id']}/status")]
        seen = json.dumps(answers, ensure_ascii=False) + "\n".join(self.server.output)
        dump = self.dump()
        self.assertIn("Caisse" if "Caisse" in dump else "camera", dump)
        for secret in secrets:
            self.assertNotIn(secret, seen)
            self.assertNotIn(secret, dump)
        status, cleared = self.server.call("PATCH", f"/api/v1/cameras/{apart['id']}", {"password": ""})
        self.assertEqual((status, cleared["has_password"]), (200, False))

    def dump(self) -> str:
        """All that stands in the private database's files, as text."""
        folder = self.server.folder / "data"
        found = subprocess.run(["find", folder, "-type", "f"], capture_output=True, text=True, check=True)
        names = [name for name in found.stdout.splitlines() if "secret.key" not in name]
        return "".join(Path(name).read_bytes().decode("utf-8", "replace") for name in names if Path(name).exists())

    # ── who may ──

    def test_tokens(self) -> None:
        """Without a token, or with a wrong one, everything but health and the description is 401 in the API's shape."""
        for path in ("/cameras", "/cameras/1", "/lines", "/tickets", "/journal", "/events", "/cameras/1/video.mp4"):
            for token in (None, "wrong", "é".encode().decode("latin-1"), ""):
                reply = self.bare("GET", f"/api/v1{path}", token)
                self.assertEqual((reply.status, reply.error["code"]), (401, "unauthenticated"), (path, token))
                self.assertIn("Bearer", reply.headers["WWW-Authenticate"])
        self.assertEqual(self.bare("GET", "/metrics").status, 401)
        self.assertEqual(self.bare("GET", "/api/v1/openapi.json").status, 200)

    def test_profiles(self) -> None:
        """Only an administrator changes cameras; nobody else sees how they are reached."""
        tokens = {}
        for profile in ("operator", "viewer"):
            self.server.command(
                "user", "create", profile, "--profile", profile, "--password-file", "-", text="long enough text\n"
            )
            tokens[profile] = self.server.new_token(profile)
        camera = self.add_camera(url=URL, login="root")
        for token in tokens.values():
            shown = self.bare("GET", f"/api/v1/cameras/{camera['id']}", token).json
            self.assertEqual(shown["name"], "camera")
            self.assertNotIn("login", shown)
            self.assertEqual(self.bare("DELETE", f"/api/v1/cameras/{camera['id']}", token).error["code"], "forbidden")
        self.assertEqual(self.bare("GET", "/api/v1/journal", tokens["viewer"]).status, 403)

    def test_people(self) -> None:
        """Somebody comes by a link; the console's lock ends the streams at once; the last administrator stays."""
        body = {"name": "Mila", "profile": "operator"}
        status, mila = self.server.call("POST", "/api/v1/users", body)
        self.assertEqual((status, mila["has_password"]), (201, False), mila)
        code = mila["link"].partition("=")[2]
        form = urlencode({"code": code, "password": "a sentence of hers", "again": "a sentence of hers"}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = http_call(self.server.web, "POST", "/password", kind, form)
        self.assertEqual((reply.status, reply.headers["Location"]), (303, "/"))
        cookie = reply.headers["Set-Cookie"].partition(";")[0]
        self.assertIsNotNone(self.get(f"/users/{mila['id']}")["seen_at"])
        head = f"Host: 127.0.0.1:{self.server.web}\r\nCookie: {cookie}\r\n"
        upgrade = (
            f"Origin: http://127.0.0.1:{self.server.web}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        with ThreadPoolExecutor() as pool:
            calls = [
                pool.submit(raw_call, self.server.web, f"GET {path} HTTP/1.1\r\n{head}{more}\r\n".encode(), end)
                for path, more, end in (
                    ("/api/v1/events", "", b"\r\n0\r\n\r\n"),
                    ("/live/socket", upgrade, (4401).to_bytes(2, "big")),  # the code with which it is closed
                )
            ]
            soon(lambda: self.server.metric("camtrace_web_live_pages") == 1, "the page's socket")
            self.server.command("user", "lock", "mila")
            for call in calls:
                self.assertIn(b"HTTP/1.1 ", call.result(20))
        self.assertEqual(http_call(self.server.web, "GET", "/api/v1/cameras", {"Cookie": cookie}).status, 401)
        self.assertEqual(self.server.call("DELETE", f"/api/v1/users/{mila['id']}")[0], 204)
        self.assertNotIn("Mila", [one["name"] for one in self.get("/users")["items"]])
        refused = self.server.command("user", "lock", "admin", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("admin is the last administrator who can sign in", refused.stderr)
        told = soon(
            lambda: [e for e in self.get("/journal", kind="audit")["items"] if e["text"] == "user_password_set"], "it"
        )
        self.assertEqual(told[0]["message"], "Mila set a password by a link.")

    def test_console(self) -> None:
        """`user list`, `password`, `unlock`, `token create`, `link` on the running server, at once."""
        create = ("user", "create", "zoé", "--profile", "viewer", "--password-file", "-")
        self.server.command(*create, text="first password\nsecond line")
        self.assertIn("zoé\tviewer", self.server.command("user", "list").stdout)
        token = self.server.command("token", "create", "zoé").stdout.splitlines()[-1]
        self.assertRegex(token, r"^[A-Za-z0-9_.~-]{20,}$")
        self.assertEqual(self.bare("GET", "/api/v1/cameras", token).status, 200)
        self.server.command("user", "lock", "zoé")
        self.assertEqual(self.bare("GET", "/api/v1/cameras", token).status, 401)
        self.server.command("user", "unlock", "zoé")
        self.assertEqual(self.bare("GET", "/api/v1/cameras", token).status, 200)
        self.server.command("user", "password", "zoé", "--password-file", "-", text="another password")
        failed = self.server.command(*create, check=False, text="another password")  # test_console.py knows more
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr, r"^camtrace: .*zoé.*\n$")
        link = self.server.command("link").stdout.splitlines()[-1]
        self.assertRegex(link, rf"^http://127\.0\.0\.1:{self.server.web}/setup\?code=\S{{20,}}$")
        self.assertNotEqual(subprocess.run([BIN / "camtrace"], capture_output=True, check=False).returncode, 0)

    def test_player_password(self) -> None:
        """`user player` prints a password on its last line. (Last by name: from then on Digest is offered.)"""
        self.server.command(
            "user", "create", "player", "--profile", "viewer", "--password-file", "-", text="long enough text\n"
        )
        self.assertRegex(self.server.command("user", "player", "player").stdout.splitlines()[-1], r"^\S{8,}$")

    # ── the rest ──

    def test_health(self) -> None:
        """Open to all; details only for who is known."""
        reply = self.bare("GET", "/api/v1/health")
        self.assertEqual((reply.status, reply.json), (200, {"status": "ok"}))
        self.assertEqual(self.bare("GET", "/api/v1/health", "wrong").json, {"status": "ok"})
        self.assertLess({"status"}, set(self.get("/health")))
        self.assertEqual(self.bare("HEAD", "/api/v1/health").status, 200)

    def test_z_health_without_database(self) -> None:
        """503 within six seconds when the database stands still, with and without a token; 200 when it goes on."""
        with self.server.halted_database():
            for token in (None, self.server.token):
                reply = self.bare("GET", "/api/v1/health", token)
                self.assertEqual((reply.status, reply.json["status"]), (503, "failing"))
        soon(lambda: self.bare("GET", "/api/v1/health").status == 200, "health")
        self.assertEqual(self.get("/health")["status"], "ok")

    def database_pids(self) -> list[int]:
        """The private database's processes."""
        first = (self.server.folder / "data/database/cluster/postmaster.pid").read_text().split()[0]
        found = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in found.splitlines()]
        return [int(first), *(int(pid) for pid, parent in rows if parent == first)]

    def test_z_metrics_without_database(self) -> None:
        """The figures go on, for the token that read them before, whether the database is gone or stands still."""
        unused = self.server.new_token("admin")
        self.server.get("/metrics")
        with self.server.halted_database():
            self.assertEqual(self.bare("GET", "/metrics", self.server.token).status, 200)
        soon(lambda: self.bare("GET", "/api/v1/health").status == 200, "health")
        self.assertEqual(self.server.metric("camtrace_database_up"), 1)
        first = self.server.postmaster
        os.kill(first, signal.SIGSTOP)  # so that it makes no new processes, and is not started anew at once
        try:
            for pid in self.database_pids()[1:]:
                with suppress(ProcessLookupError):  # one whose work was done just now
                    os.kill(pid, signal.SIGKILL)
            reply = self.bare("GET", "/metrics", self.server.token)
            self.assertEqual(reply.status, 200)
            self.assertIn(b"camtrace_database_up 0", reply.body)
            self.assertEqual(self.bare("GET", "/metrics", unused).status, 503)
            self.assertEqual(self.bare("GET", "/api/v1/cameras", self.server.token).status, 503)
        finally:
            os.kill(first, signal.SIGCONT)
        soon(lambda: self.bare("GET", "/api/v1/health").status == 200, "health")
        self.server.command("user", "create", "guard", "--profile", "viewer", "--password-file", "-", text="x" * 12)
        token = self.server.new_token("guard")
        self.assertEqual(self.bare("GET", "/metrics", token).status, 200)
        self.server.command("user", "lock", "guard")
        self.assertEqual(self.bare("GET", "/metrics", token).status, 401)

    def test_figures(self) -> None:
        """Every figure the contract names for what exists is there from the start, with its type."""
        text = self.server.get("/metrics").decode()
        for name in (
            "camtrace_pos_lines_total",
            "camtrace_pos_errors_total",
            "camtrace_lines_stored_total",
            "camtrace_spool_facts",
            "camtrace_rtsp_sessions",
            "camtrace_cameras",
            "camtrace_database_up",
        ):
            self.assertRegex(text, rf"(?m)^{name}(\{{.*\}})? \d")
            self.assertRegex(text, rf"(?m)^# TYPE {name} (counter|gauge)$")

    def test_journal(self) -> None:
        """What an administrator does is written down; kinds, spans and pages work; unknown kinds are refused."""
        began = datetime.now(UTC).isoformat()
        camera = self.add_camera(url=URL)
        self.server.call("PATCH", f"/api/v1/cameras/{camera['id']}", {"name": "renamed"})

        def audit() -> Any:
            found = self.get("/journal", kind="audit", start=began)["items"]
            return found if len(found) == 2 else None

        changed, added = soon(audit, "two entries")
        self.assertEqual(added["message"], f"admin added camera {camera['id']}, camera.")
        self.assertEqual((changed["user"], changed["camera"], changed["kind"]), ("admin", camera["id"], "audit"))
        self.assertIn("started", [entry["text"] for entry in self.get("/journal", kind="system", limit=1000)["items"]])
        page = self.get("/journal", limit=1)
        following = self.server.get(f"/api/v1/journal?limit=1{cursor(page['next'])}")
        self.assertNotEqual(page["items"][0]["id"], following["items"][0]["id"])
        self.refused(400, "invalid", "kind", "GET", "/journal?kind=gossip")

    def test_openapi(self) -> None:
        """The description names every call of the contract that exists."""
        paths = self.get("/openapi.json")["paths"]
        text = json.dumps(sorted(paths))
        for path in ("cameras", "status", "snapshot.jpg", "recordings", "video.mp4", "lines", "tickets", "journal"):
            self.assertIn(path, text)

    def test_no_footage(self) -> None:
        """A camera that never sent a picture: empty lists and clear 404s; bad spans are 400 with the field."""
        number = self.add_camera(url=URL, regular={"calendar": "never"})["id"]
        recordings = self.get(f"/cameras/{number}/recordings", kind="regular", start=0, stop=10)
        self.assertEqual(recordings, {"spans": [], "gaps": []})
        self.refused(404, "not_found", None, "GET", f"/cameras/{number}/snapshot.jpg")
        self.refused(404, "not_found", None, "GET", f"/cameras/{number}/snapshot.jpg?at=5")
        self.refused(404, "not_found", None, "GET", f"/cameras/{number}/video.mp4?start=5&stop=10")
        for query, field in (
            ("start=10&stop=5", "stop"),
            ("start=5&stop=5", "stop"),
            ("start=x&stop=5", "start"),
            ("start=5", "stop"),
            ("start=0&stop=999999999", "stop"),
            ("kind=other&start=1&stop=2", "kind"),
        ):
            with self.subTest(query):
                self.refused(400, "invalid", field, "GET", f"/cameras/{number}/video.mp4?{query}")
        self.refused(400, "invalid", "at", "GET", f"/cameras/{number}/snapshot.jpg?at=now")
        self.refused(400, "invalid", "kind", "GET", f"/cameras/{number}/recordings?kind=other")
        for instant in ("1e400", "9" * 30, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            with self.subTest(instant):
                self.refused(400, "invalid", "start", "GET", f"/lines?start={instant}".replace("+", "%2B"))


@needs("postgresql")
class WebTests(OneServer):
    """What strangers do to the web port."""

    def post(self, path: str, body: bytes, **headers: str) -> Any:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return http_call(self.server.web, "POST", path, {**form, **headers}, body)

    def test_login_and_other_origins(self) -> None:
        """Name and password give a cookie; another site's page can do nothing with it; the page's token is needed."""
        reply = self.post("/login", b"name=admin&password=correct+horse+battery")
        self.assertEqual(reply.status, 303)
        cookie = reply.headers["Set-Cookie"]
        self.assertRegex(cookie.lower(), r"httponly")
        self.assertRegex(cookie.lower(), r"samesite=lax")
        session = {"Cookie": cookie.partition(";")[0]}
        self.assertEqual(http_call(self.server.web, "GET", "/api/v1/cameras", session).status, 200)
        body = json.dumps({"name": "x", "url": URL}).encode()
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"X-CSRF": "guess"}):
            sent = {**session, "Content-Type": "application/json", **headers}
            reply = http_call(self.server.web, "POST", "/api/v1/cameras", sent, body)
            self.assertEqual((reply.status, reply.error["code"]), (403, "forbidden"), headers)
        evil = self.post("/login", b"name=admin&password=correct+horse+battery", Origin="http://evil.example")
        self.assertEqual(evil.status, 403)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "http://evil.example", **session}
        self.assertEqual(http_call(self.server.web, "GET", "/live/socket", upgrade).status, 403)

    def test_open_redirect(self) -> None:
        """The login leads nowhere but into this site."""
        for following in (b"//evil.example", b"https://evil.example", b"/%5Cevil.example", b"/\\evil.example"):
            body = b"name=admin&password=correct+horse+battery&next=" + following
            location = self.post("/login", body).headers["Location"]
            self.assertRegex(location, r"^/($|[^/\\])", following)

    def test_z_throttled(self) -> None:
        """The sixth wrong password in a minute is not even looked at; 429 says how long; the right one waits too."""
        statuses = [self.post("/login", b"name=nobody&password=wrong").status for _ in range(7)]
        self.assertEqual(set(statuses[:5]), {401})
        self.assertEqual(statuses[6], 429)

    def test_oversized(self) -> None:
        """A body of 2 MB is 413, an endless head is cut off, and the server goes on."""
        headers = {"Authorization": f"Bearer {self.server.token}", "Content-Type": "application/json"}
        reply = http_call(self.server.web, "POST", "/api/v1/cameras", headers, b'{"name": "' + b"x" * 2_000_000)
        self.assertEqual((reply.status, reply.error["code"]), (413, "too_large"))
        announced = b"POST /api/v1/cameras HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
        self.assertIn(b" 413 ", raw_call(self.server.web, announced, b"\r\n\r\n").partition(b"\r\n")[0])
        self.assertNotIn(
            b" 200 ", raw_call(self.server.web, b"GET /login HTTP/1.1\r\nX: " + b"y" * 200_000, b"\r\n\r\n")
        )
        self.assertEqual(self.get("/health")["status"], "ok")

    def test_traversal(self) -> None:
        """No way out of the static files, whatever the spelling."""
        for path in (
            "/static/../camtrace.toml",
            "/static/..%2f..%2fpyproject.toml",
            "/static/%2e%2e/%2e%2e/pyproject.toml",
            "/static/....//pyproject.toml",
            "/static//etc/passwd",
            "/static/%00",
            "/static/x%00.css",
            "/static/..\\..\\pyproject.toml",
            "/../../../../etc/passwd",
            "//etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
        ):
            with self.subTest(path):
                reply = http_call(self.server.web, "GET", path, {"Authorization": f"Bearer {self.server.token}"})
                self.assertIn(reply.status, (303, 308, 400, 404))
                self.assertNotIn(b"root:", reply.body)
                self.assertNotIn(b"[project]", reply.body)

    def test_garbage(self) -> None:
        """Bytes that are no HTTP, odd methods and hosts: an error or a hang-up, never a fault of the server."""
        for data in (b"\x16\x03\x01\x02\x00" + bytes(200), b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            self.assertNotIn(b" 500 ", raw_call(self.server.web, data + b"\r\n\r\n", b"\r\n\r\n"))
        for host in ("evil example", "a/b", "<script>"):
            reply = http_call(self.server.web, "GET", "/login", {"Host": host})
            self.assertEqual(reply.status, 400, host)
        for method in ("TRACE", "BREW", "PROPFIND"):
            self.assertIn(http_call(self.server.web, method, "/login").status, (404, 405, 501), method)
        for path in ("/%", "/%ff%fe", "/api/v1/cameras/%ff", "/?%ff=%ff", "/login?next=%ff"):
            self.assertLess(http_call(self.server.web, "GET", path).status, 500, path)
        self.assertFalse([line for line in self.server.output if "Traceback" in line])

    def test_names_are_text(self) -> None:
        """Markup in the names of cameras and tills is shown as text."""
        bad = "<script>alert(1)</script>\"'><img src=x onerror=y>"
        camera = self.add_camera(name=bad, url=URL, overlay_ids=["<b>till</b>"])
        self.say(b"<b>till</b>|0|<i>7</i>|0|A|1|1|<script>x()</script>|1,00\n")
        self.lines(1, source="<b>till</b>")
        reply = self.post("/login", b"name=admin&password=correct+horse+battery")
        session, number = reply.headers["Set-Cookie"].partition(";")[0], camera["id"]
        for path in ("/", f"/live/{number}", "/cameras", f"/cameras/{number}", f"/replay/{number}", "/log"):
            page = http_call(self.server.web, "GET", path, {"Cookie": session})
            text = page.body.decode()
            self.assertNotIn("<script>alert", text, path)
            self.assertNotIn("<img src=x", text, path)
            self.assertNotIn("<b>till", text, path)
            self.assertNotIn("<script>x()", text, path)
            policy = page.headers["Content-Security-Policy"]
            self.assertIn("script-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(page.headers["X-Content-Type-Options"], "nosniff")
        clip = self.server.call("GET", f"/api/v1/cameras/{camera['id']}")[1]
        self.assertEqual(clip["name"], bad)


if __name__ == "__main__":
    unittest.main()
