"""Who gets in, what they may do, and what another site's page can make a browser do: nothing."""

from __future__ import annotations

from support.web import PASSWORD, Browser, WebShop
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase


class SessionTests(SynchronousTestCase):
    """Logging in and out by the pages' functions."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.guest = Browser(self.shop)

    def _log_in(self, name: str = "anna", password: str = PASSWORD, **headers: str):
        return self.guest.ask("POST", "/login", data={"name": name, "password": password}, headers=headers)

    def test_cookie(self) -> None:
        """The session's cookie is out of scripts' reach, not sent by other sites' forms, and opens the pages."""
        answer = self._log_in()
        self.assertEqual((answer.code, answer.body), (200, b"welcome"))
        cookie = answer.header("set-cookie")
        for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=2592000"):
            self.assertIn(part, cookie)
        self.assertNotIn("Secure", cookie)
        value = cookie.partition("=")[2].partition(";")[0]
        self.assertIn(b"anna", Browser(self.shop, session=value).get("/me").body)

    def test_secure_over_tls(self) -> None:
        """Over TLS the cookie never leaves it."""
        treq = self.guest._treq
        asked = treq.post("https://shop/login", data={"name": "anna", "password": PASSWORD}, allow_redirects=False)
        treq.flush()
        headers = self.successResultOf(asked).headers
        self.assertIn("; Secure", headers.getRawHeaders("set-cookie")[0])
        self.assertTrue(headers.hasHeader("strict-transport-security"))

    def test_new_session_at_login(self) -> None:
        """A session that somebody planted in the browser before is worth nothing after the login."""
        planted, _ = self.shop.session("boris")
        Browser(self.shop, session=planted).ask("POST", "/login", data={"name": "anna", "password": PASSWORD})
        self.assertEqual(Browser(self.shop, session=planted).get("/me").code, 303)

    def test_wrong_password_is_throttled(self) -> None:
        """Five wrong passwords are refused, the sixth try must wait and says how long, even with the right one."""
        for _ in range(5):
            self.assertEqual(self._log_in(password="wrong").code, 401)
        answer = self._log_in()
        self.assertEqual(answer.code, 429)
        self.assertEqual(answer.header("retry-after"), "60")
        self.shop.seconds[0] += 61
        self.assertEqual(self._log_in().code, 200)

    def test_login_from_another_site(self) -> None:
        """Another site's form cannot log a browser in."""
        self.assertEqual(self._log_in(Origin="http://evil.example").code, 403)
        self.assertEqual(self._log_in(Origin="http://shop").code, 200)

    def test_log_out(self) -> None:
        """The session ends for the server, too."""
        session, csrf = self.shop.session()
        browser = Browser(self.shop, session=session)
        self.assertEqual(browser.ask("POST", "/logout", headers={"X-CSRF": csrf}).body, b"bye")
        self.assertEqual(browser.get("/me").code, 303)

    def test_way_to_the_login(self) -> None:
        """Who is not logged in is led to the login and back to where they wanted to go."""
        answer = self.guest.get("/me?a=1")
        self.assertEqual((answer.code, answer.header("location")), (303, "/login?next=%2Fme%3Fa%3D1"))

    def test_first_user(self) -> None:
        """The one-time code makes an administrator and logs them in; a second use is refused."""
        code = self.successResultOf(_deferred(self.shop.gate.new_link()))
        request = _FormRequest()
        user = self.successResultOf(_deferred(self.shop.access.set_up(request, code, "carla", PASSWORD)))
        self.assertEqual(user.name, "carla")
        self.assertEqual(len(request.cookies), 1)
        self.failureResultOf(_deferred(self.shop.access.set_up(request, code, "carl", PASSWORD)))


class RightTests(SynchronousTestCase):
    """Rights and the protection of unsafe methods."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.session, self.csrf = self.shop.session()

    def test_nobody(self) -> None:
        """Programs are told 401 as JSON, with how to authenticate."""
        answer = Browser(self.shop).get("/api/v1/cameras")
        self.assertEqual((answer.code, answer.json["error"]["code"]), (401, "unauthenticated"))
        self.assertTrue(answer.header("www-authenticate").startswith("Bearer"))

    def test_bad_token(self) -> None:
        """A wrong token is refused even where a session would do."""
        answer = Browser(self.shop, token="nonsense", session=self.session).get("/api/v1/cameras")
        self.assertEqual(answer.code, 401)

    def test_lacking_right(self) -> None:
        """A viewer may not read the journal."""
        answer = Browser(self.shop, token=self.shop.token("boris")).get("/api/v1/journal")
        self.assertEqual((answer.code, answer.json["error"]["code"]), (403, "forbidden"))

    def test_unsafe_method_needs_csrf(self) -> None:
        """A session changes nothing without the page's token, nor from another site with it; a bearer token may."""
        browser = Browser(self.shop, session=self.session)
        self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2").code, 403)
        self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2", headers={"X-CSRF": "0" * 64}).code, 403)
        self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2", headers={"X-CSRF": "é"}).code, 403)
        other = {"X-CSRF": self.csrf, "Origin": "http://evil.example"}
        self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2", headers=other).code, 403)
        own = {"X-CSRF": self.csrf, "Origin": "http://shop"}
        self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2", headers=own).code, 204)
        self.assertEqual(Browser(self.shop, token=self.shop.token()).ask("DELETE", "/api/v1/cameras/1").code, 204)

    def test_csrf_in_a_form(self) -> None:
        """Forms carry the token in a field."""
        browser = Browser(self.shop, session=self.session)
        self.assertEqual(browser.ask("POST", "/logout", data={"csrf": self.csrf}).body, b"bye")

    def test_other_ports_are_other_origins(self) -> None:
        """A page of another port is another site; the default port may be named or not."""
        browser = Browser(self.shop, session=self.session)
        for origin, code in (("http://shop:8001", 403), ("null", 403), ("http://shop:80", 204)):
            headers = {"X-CSRF": self.csrf, "Origin": origin}
            self.assertEqual(browser.ask("DELETE", "/api/v1/cameras/2", headers=headers).code, code, origin)

    def test_database_away(self) -> None:
        """Without the database nobody is let in, and the answer says to try again."""
        self.shop.users.away = True
        answer = Browser(self.shop, session=self.session).get("/api/v1/cameras")
        self.assertEqual((answer.code, answer.json["error"]["code"]), (503, "unavailable"))
        self.assertEqual(answer.header("retry-after"), "5")


class _FormRequest:
    """The little of a request that logging in needs."""

    def __init__(self) -> None:
        self.cookies: list[bytes] = []

    def getClientAddress(self) -> None:
        return None

    def getHost(self) -> None:
        return None

    def getCookie(self, name: bytes) -> None:
        return None

    def isSecure(self) -> bool:
        return False

    def addCookie(self, name: bytes, value: bytes, **kwargs: object) -> None:
        self.cookies.append(value)


def _deferred(coroutine):
    return Deferred.fromCoroutine(coroutine)
