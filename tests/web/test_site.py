"""The site as a whole: headers, errors, static files, health, the description of the API."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from support.web import Browser, Disk, WebShop
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.events import SettingChanged
from camtrace.web.api.openapi import MEDIA, PARAMETERS, describe
from camtrace.web.problems import Problems
from camtrace.web.routing import Apps, new_app
from camtrace.web.site import LEAVE_SECONDS, till_speaks


class ErrorTests(SynchronousTestCase):
    """Errors are JSON for programs and pages for people."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.browser = Browser(self.shop, session=self.shop.session()[0])

    def test_nothing_here(self) -> None:
        """404 in both forms."""
        self.assertEqual(self.browser.get("/api/v1/nothing").json["error"]["code"], "not_found")
        page = self.browser.get("/nothing")
        self.assertEqual((page.code, page.header("content-type")), (404, "text/html; charset=utf-8"))

    def test_errors_to_be_translated(self) -> None:
        """Programs are told what the contract says; a page may ask for the message's id and values."""
        anna, path = Browser(self.shop, token=self.shop.token()), "/api/v1/lines?amount_min=abc"
        plain = {"code": "invalid", "message": "amount_min must be a number", "field": "amount_min"}
        self.assertEqual(anna.get(path).json, {"error": plain})
        more = {"text": "{field} must be a number", "values": {"field": "amount_min"}}
        asked = anna.get(path, headers={"Accept": "application/json;text=id"})
        self.assertEqual(asked.json, {"error": {**plain, **more}})

    def test_wrong_method(self) -> None:
        """405 names the methods that would do."""
        answer = self.browser.ask("PUT", "/api/v1/cameras/1", headers={"X-CSRF": self.shop.session()[1]})
        self.assertEqual(answer.code, 405)
        self.assertEqual(answer.header("allow"), "DELETE, GET, HEAD, PATCH")

    def test_our_fault(self) -> None:
        """A fault of the program is logged with its trace and told without it."""
        answer = self.browser.get("/fail")
        self.assertEqual(answer.code, 500)
        self.assertNotIn(b"on purpose", answer.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_senseless_host(self) -> None:
        """A Host header that names no host is refused before anything looks at it."""
        self.assertEqual(self.browser.get("/me", headers={"Host": "a b/<>"}).code, 400)

    def test_undecodable_path(self) -> None:
        """A path that is no text leads nowhere, quietly."""
        self.assertEqual(self.browser.get("/%ff%fe").code, 404)

    def test_headers(self) -> None:
        """Every answer forbids inline scripts, framing and guessing of types."""
        for path in ("/me", "/nothing", "/api/v1/health"):
            answer = self.browser.get(path)
            self.assertIn("script-src 'self'", answer.header("content-security-policy"))
            self.assertNotIn("unsafe", answer.header("content-security-policy"))
            self.assertEqual(answer.header("x-frame-options"), "DENY")
            self.assertEqual(answer.header("x-content-type-options"), "nosniff")
            self.assertEqual(answer.header("server"), "CamTrace")

    def test_route_without_methods(self) -> None:
        """A route that would swallow every method is refused when the site is built."""

        class Careless:
            app = new_app()

            @app.route("/x")
            def all(self, request: object) -> str:
                return ""

        self.assertRaises(ValueError, Apps, [Careless()], Problems())


class StartingTests(SynchronousTestCase):
    """The server is up, but not yet able to serve."""

    def test_starting(self) -> None:
        """People and programs are told what it does and to come again; the health and the files are there."""
        shop = WebShop()
        shop.website.starting("12 of 400 recordings looked through")
        browser = Browser(shop, token=shop.token())
        page = browser.get("/me")
        self.assertEqual((page.code, page.header("retry-after")), (503, "2"))
        self.assertIn(b"12 of 400", page.body)
        answer = browser.get("/api/v1/cameras")
        self.assertEqual((answer.code, answer.json["error"]["code"]), (503, "starting"))
        self.assertEqual(browser.get("/api/v1/health").code, 200)
        shop.website.starting("")
        self.assertEqual(browser.get("/me").code, 200)


class LeavingTests(SynchronousTestCase):
    """The server stops."""

    def test_changes_under_way(self) -> None:
        """They are waited for; whoever comes now is told to come again."""
        shop = WebShop()
        browser = Browser(shop, token=shop.token())
        answered: Deferred[None] = Deferred()
        shop.website.root.changing += 1
        answered.addBoth(shop.website.root._answered)
        leaving = Deferred.fromCoroutine(shop.website.leave())
        self.assertNoResult(leaving)
        answer = browser.get("/api/v1/cameras")
        self.assertEqual((answer.code, answer.json["error"]["code"]), (503, "unavailable"))
        self.assertIn("is being stopped", answer.json["error"]["message"])
        answered.callback(None)
        self.successResultOf(leaving)

    def test_change_without_end(self) -> None:
        """Not for long."""
        clock = Clock()
        shop = WebShop(clock)
        shop.website.root.changing += 1
        leaving = Deferred.fromCoroutine(shop.website.leave())
        clock.advance(LEAVE_SECONDS)
        self.successResultOf(leaving)

    def test_counted(self) -> None:
        """Only what may change something counts, and only while it is under way."""
        shop = WebShop()
        browser = Browser(shop, token=shop.token())
        browser.get("/api/v1/cameras")
        made = browser.ask("POST", "/api/v1/cameras", json={"name": "New", "url": "rtsp://10.0.0.3/x"})
        self.assertEqual(made.code, 201)
        self.assertEqual(shop.website.root.changing, 0)
        self.successResultOf(Deferred.fromCoroutine(shop.website.leave()))


class StaticTests(SynchronousTestCase):
    """Files for the browser."""

    def setUp(self) -> None:
        above = tempfile.TemporaryDirectory()
        self.addCleanup(above.cleanup)
        folder = Path(above.name) / "static"
        (folder / "js").mkdir(parents=True)
        (folder / "js" / "live.js").write_text("export {}")
        (folder / "app.css").write_text("body {}")
        (folder.parent / "secret.txt").write_text("secret")
        self.shop = WebShop(static=folder)
        self.static = self.shop.website.root._sites[-1]
        self.browser = Browser(self.shop)

    def test_for_ever(self) -> None:
        """The address with the digest may be kept for ever; the plain one is asked for again."""
        answer = self.browser.get(self.static.url("js/live.js"))
        self.assertEqual((answer.code, answer.body), (200, b"export {}"))
        self.assertEqual(answer.header("content-type"), "text/javascript; charset=utf-8")
        self.assertIn("immutable", answer.header("cache-control"))
        plain = self.browser.get("/static/app.css")
        self.assertEqual((plain.code, plain.header("cache-control")), (200, "no-cache"))

    def test_old_version(self) -> None:
        """A page of before an update still gets its files, which it may not keep."""
        answer = self.browser.get("/static/v-0123456789ab/app.css")
        self.assertEqual((answer.code, answer.header("cache-control")), (200, "no-cache"))

    def test_unchanged(self) -> None:
        """An ETag that still holds saves the body."""
        etag = self.browser.get("/static/app.css").header("etag")
        answer = self.browser.get("/static/app.css", headers={"If-None-Match": etag})
        self.assertEqual((answer.code, answer.body), (304, b""))

    def test_traversal(self) -> None:
        """Nothing outside the folder can be reached, however it is spelt."""
        for path in ("../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "js/..%5c..%5csecret.txt", "/etc/passwd"):
            answer = self.browser.get(f"/static/{path}")
            self.assertNotEqual(answer.code, 200, path)
            self.assertNotIn(b"secret", answer.body)

    def test_unknown_name(self) -> None:
        """A template that names a file which is not there fails at once."""
        self.assertRaises(KeyError, self.static.url, "js/none.js")


class HealthTests(SynchronousTestCase):
    """A monitor's questions."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)

    def test_ok(self) -> None:
        """Open to all, without details."""
        answer = Browser(self.shop).get("/api/v1/health")
        self.assertEqual((answer.code, answer.json), (200, {"status": "ok"}))

    def test_details(self) -> None:
        """Who is known sees each check."""
        answer = Browser(self.shop, token=self.shop.token("boris")).get("/api/v1/health")
        self.assertEqual(answer.json["checks"], {"database": {"ok": True, "message": "answers"}})

    def test_failing(self) -> None:
        """One check that fails, or breaks, makes it 503."""

        async def broken() -> tuple[bool, str]:
            raise OSError("no answer")

        self.shop.health["web"] = broken
        answer = Browser(self.shop, token=self.shop.token()).get("/api/v1/health")
        self.assertEqual((answer.code, answer.json["status"]), (503, "failing"))
        self.assertEqual(answer.json["checks"]["web"], {"ok": False, "message": "no answer"})

    def test_silent_check(self) -> None:
        """A check that does not answer in five seconds has failed."""

        async def silent() -> tuple[bool, str]:
            return await Deferred()

        self.shop.health["database"] = silent
        browser = Browser(self.shop)
        asked = browser._treq.get("http://shop/api/v1/health")
        browser._treq.flush()
        self.assertNoResult(asked)
        self.clock.advance(5)
        browser._treq.flush()
        self.assertEqual(self.successResultOf(asked).code, 503)

    def test_without_database(self) -> None:
        """A token that cannot be checked gives no details, and an answer all the same."""
        token = self.shop.token()
        self.shop.users.away = True
        self.assertEqual(Browser(self.shop, token=token).get("/api/v1/health").json, {"status": "ok"})

    def test_metrics(self) -> None:
        """Figures are for who is known."""
        self.shop.metrics.add("camtrace_pos_lines_total", 12_345_678)
        self.shop.metrics.add("camtrace_camera_gap_seconds_total", 0.5, camera=1, cause="camera")
        self.assertEqual(Browser(self.shop).get("/metrics").code, 401)
        answer = Browser(self.shop, token=self.shop.token()).get("/metrics")
        self.assertIn(b"camtrace_pos_lines_total 12345678\n", answer.body)
        self.assertIn(b'camtrace_camera_gap_seconds_total{camera="1",cause="camera"} 0.5\n', answer.body)
        self.assertTrue(answer.header("content-type").startswith("text/plain; version=0.0.4"))


class MetricsWithoutDatabaseTests(SynchronousTestCase):
    """The figures are wanted exactly when the database is away."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)
        self.known, self.unknown = self.shop.token(), self.shop.token()
        self.session, _ = self.shop.session()
        self.assertEqual(Browser(self.shop, token=self.known).get("/metrics").code, 200)

    def test_away(self) -> None:
        """A token that was accepted before still reads them, and nothing else; others, and sessions, do not."""
        self.shop.users.away = True
        self.assertEqual(Browser(self.shop, token=self.known).get("/metrics").code, 200)
        self.assertEqual(Browser(self.shop, token=self.known).get("/api/v1/cameras").code, 503)
        self.assertEqual(Browser(self.shop, token=self.unknown).get("/metrics").code, 503)
        self.assertEqual(Browser(self.shop, token="nonsense").get("/metrics").code, 503)
        self.assertEqual(Browser(self.shop, session=self.session).get("/metrics").code, 503)
        self.assertEqual(Browser(self.shop).get("/metrics").code, 401)
        self.shop.gate.setting_changed(SettingChanged("user", "anna"))
        self.assertEqual(Browser(self.shop, token=self.known).get("/metrics").code, 503)

    def test_back(self) -> None:
        """Once the database can be asked only its word counts."""
        self.shop.users.tokens.clear()
        self.assertEqual(Browser(self.shop, token=self.known).get("/metrics").code, 401)
        self.shop.users.away = True
        self.assertEqual(Browser(self.shop, token=self.known).get("/metrics").code, 503)

    def test_stands_still(self) -> None:
        """A database that says nothing is awaited five seconds."""
        self.shop.users.token = lambda _: Deferred()  # type: ignore[assignment,method-assign]
        browser = Browser(self.shop, token=self.known)
        asked = browser._treq.get("http://shop/metrics", headers=browser._headers)
        browser._treq.flush()
        self.assertNoResult(asked)
        self.clock.advance(5)
        browser._treq.flush()
        self.assertEqual(self.successResultOf(asked).code, 200)


class VolumeTests(SynchronousTestCase):
    """The disks, for the red banner."""

    def test_states(self) -> None:
        """Everybody may know that a disk is full; its folder is for who manages the server."""
        shop = WebShop()
        shop.volumes = [Disk("/mnt/a", "full")]
        told = {"name": "/mnt/a", "state": "full", "why": "", "free_bytes": 5}
        self.assertEqual(Browser(shop, token=shop.token()).get("/api/v1/volumes").json["items"], [told])
        told["name"] = "1"
        self.assertEqual(Browser(shop, token=shop.token("boris")).get("/api/v1/volumes").json["items"], [told])


class DescriptionTests(SynchronousTestCase):
    """The OpenAPI document and the routes are the same."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.document = Browser(self.shop).get("/api/v1/openapi.json").json

    def test_every_route(self) -> None:
        """Each route of the API is described with a sentence; nothing else is."""
        routes = {
            (route.method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule.removeprefix("/api/v1")))
            for route in self.shop.website.root.routes()
            if route.rule.startswith("/api/v1/")
        }
        described = {(method, path) for path, methods in self.document["paths"].items() for method in methods}
        self.assertEqual(described, routes)
        for methods in self.document["paths"].values():
            for operation in methods.values():
                self.assertTrue(operation["summary"].endswith((".", "`.")) or operation["summary"])

    def test_nothing_left_over(self) -> None:
        """What is said about parameters and media belongs to routes that exist."""
        paths = self.document["paths"]
        for method, path in PARAMETERS:
            self.assertIn(method.lower(), paths.get(path, {}), path)
        for end in MEDIA:
            self.assertTrue(any(path.endswith(end) for path in paths), end)

    def test_manual(self) -> None:
        """docs/api.md names every route."""
        manual = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
        for path, methods in self.document["paths"].items():
            written = path.replace("{camera}", "CAMERA").replace("{ticket}", "TICKET").replace("{name}", "NAME")
            for method in methods:
                self.assertRegex(manual, rf"`{method.upper()} {re.escape(written)}[`\[?]", f"{method} {path}")

    def test_without_pages(self) -> None:
        """Routes that are no API's are left out."""
        self.assertEqual(describe([]), {**describe([]), "paths": {}})
        self.assertNotIn("/login", self.document["paths"])


class TillTests(SynchronousTestCase):
    """The first bytes of a connection: a till or a browser?"""

    def test_tills(self) -> None:
        """Lines of the till protocol, with a BOM or in halves."""
        for head in (
            b"1|0|7|0|A|BREAD|1|1,00|1,00\r\n",
            b"\xef\xbb\xbfKKM 3|0|7|0|E\n",
            b"\r\n1|2|3|4|A|BR",
            b"1|0|7|0|",
        ):
            self.assertTrue(till_speaks(head), head)

    def test_others(self) -> None:
        """Requests, also odd ones, and noise."""
        for head in (b"GET /a|b|c|d|e HTTP/1.1\r\n", b"POST /x", b"get /|||| HTTP/1.0", b"", b"\x16\x03\x01|", b"a|b"):
            self.assertFalse(till_speaks(head), head)
