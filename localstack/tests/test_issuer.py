"""The local issuer: one click signs in, a code is good once and for who asked, nobody is sent to another machine."""

import base64
import hashlib
import json
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import jwt

from bellhop_cloud import issuer, settings

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
HOME = "http://127.0.0.1:9/console/"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Issuer(unittest.TestCase):
    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server = ThreadingHTTPServer((settings.HOST, 0), issuer.Handler)
        self.server.codes = issuer.Codes()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://{settings.HOST}:{self.server.server_address[1]}"
        for target, value in ((issuer, "KEYS"), (settings, "issuer_url")):
            put = Path(folder.name) if value == "KEYS" else (lambda: self.url)
            patch = mock.patch.object(target, value, put)
            patch.start()
            self.addCleanup(patch.stop)

    def ask(self, path: str, form: dict | None = None, **headers):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            return urllib.request.build_opener(NoRedirect).open(request, timeout=10)
        except urllib.error.HTTPError as error:
            return error

    def query(self, **other) -> dict:
        asked = {
            "response_type": "code", "client_id": settings.AUDIENCE, "redirect_uri": HOME, "scope": "openid profile", "state": "s1",
            "nonce": "n1", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return asked | other

    def code(self, **form) -> str:
        answer = self.ask("/authorize", self.query() | {"role": "manager", "tenants": "sea, hill"} | form)
        self.assertEqual(answer.status, 303, answer.read())
        target = urllib.parse.urlsplit(answer.headers["Location"])
        self.assertEqual(f"{target.scheme}://{target.netloc}{target.path}", HOME)
        told = dict(urllib.parse.parse_qsl(target.query))
        self.assertEqual((told["state"], told["iss"]), ("s1", self.url))
        return told["code"]

    def redeem(self, code: str, **other):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME, "client_id": settings.AUDIENCE, "code_verifier": VERIFIER}
        return self.ask("/token", form | other, Origin="http://127.0.0.1:9")

    def test_a_click_gives_a_token_that_says_who(self):
        page = self.ask("/authorize?" + urllib.parse.urlencode(self.query())).read().decode()
        for role in issuer.ROLES:
            self.assertIn(f'value="{role}"', page)
        code = self.code()
        answer = self.redeem(code)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "http://127.0.0.1:9")
        token = json.load(answer)["id_token"]
        (key,) = json.load(self.ask("/keys"))["keys"]
        claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=settings.AUDIENCE, issuer=self.url)
        self.assertEqual((claims["bellhop_role"], claims["bellhop_tenants"], claims["nonce"]), ("manager", ["sea", "hill"], "n1"))
        self.assertEqual(self.redeem(code).status, 400, "a code is good once")

    def test_a_code_is_for_who_asked(self):
        for other in ({"code_verifier": "w" * 43}, {"client_id": "x"}, {"redirect_uri": HOME + "x"}, {"grant_type": "password"}):
            self.assertEqual(self.redeem(self.code(), **other).status, 400, other)
        self.assertEqual(self.redeem("guessed").status, 400)

    def test_nobody_is_sent_elsewhere_and_nothing_is_left_out(self):
        for other in (
            {"redirect_uri": "https://evil.example/"}, {"redirect_uri": "http://127.0.0.1.evil.example/"}, {"redirect_uri": "javascript:x"},
            {"response_type": "token"}, {"code_challenge_method": "plain"}, {"code_challenge": "short"}, {"scope": "profile"}, {"client_id": "x"},
        ):  # fmt: skip
            self.assertEqual(self.ask("/authorize?" + urllib.parse.urlencode(self.query(**other))).status, 400, other)
            self.assertEqual(self.ask("/authorize", self.query(**other) | {"role": "operator"}).status, 400, other)
        self.assertEqual(self.ask("/authorize", self.query() | {"role": "god"}).status, 400)
        self.assertEqual(self.ask("/logout?post_logout_redirect_uri=https://evil.example/").status, 400)
        self.assertNotIn("Access-Control-Allow-Origin", self.ask("/keys", Origin="https://evil.example").headers)

    def test_an_address_that_readers_take_for_different_hosts_is_none(self):
        for address in (
            "http://evil.example\\@127.0.0.1/", "http://127.0.0.1@evil.example/", "http://a:b@127.0.0.1/", "http://127.0.0.1/\r\nSet-Cookie: a=b",
            "http://127.0.0.1/\n", "http://127.0.0.1/#a", "http://localhost.evil.example/", "//127.0.0.1/", "http:127.0.0.1", "",
        ):  # fmt: skip
            query = self.query(redirect_uri=address)
            for answer in (
                self.ask("/authorize?" + urllib.parse.urlencode(query)), self.ask("/authorize", query | {"role": "operator"}),
                self.ask("/logout?" + urllib.parse.urlencode({"post_logout_redirect_uri": address})),
            ):  # fmt: skip
                self.assertEqual((answer.status, answer.headers["Location"], answer.headers["Set-Cookie"]), (400, None, None), address)

    def test_no_page_from_elsewhere_asks(self):
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            self.assertEqual(self.ask("/rotate", {}, Origin=origin).status, 400, origin)
            self.assertEqual(self.ask("/authorize", self.query() | {"role": "operator"}, Origin=origin).status, 400, origin)
        for host in ("evil.example", "127.0.0.1.evil.example"):
            self.assertEqual(self.ask("/keys", Host=host).status, 400, "a name that was made to point here")
        self.assertEqual(self.ask("/authorize", self.query() | {"role": "operator"}, Origin=self.url).status, 303)

    def test_a_manager_is_of_tenants_that_can_be(self):
        for tenants in ("", " , ", "Sea", "a/b", "a#b", "a" * 41):
            self.assertEqual(self.ask("/authorize", self.query() | {"role": "manager", "tenants": tenants}).status, 400, tenants)

    def test_what_is_no_form_is_refused_whole(self):
        for length in ("x", "-1", "20001"):
            self.assertEqual(self.ask("/token", {"a": "b"}, **{"Content-Length": length}).status, 400, length)

    def test_what_is_typed_is_text(self):
        page = self.ask("/authorize?" + urllib.parse.urlencode(self.query(login_hint='manager:"><script>', state="<b>"))).read().decode()
        self.assertNotIn("<script>", page)
        self.assertNotIn("<b>", page)

    def test_a_rotation_keeps_the_key_before_and_no_older_one(self):
        issuer.signing_key()
        first = issuer.token("viewer", ["sea"])
        ids = [jwt.get_unverified_header(first)["kid"]]
        for _ in range(2):
            ids.append(json.load(self.ask("/rotate", {}))["keys"][0]["kid"])
        self.assertEqual([key["kid"] for key in json.load(self.ask("/keys"))["keys"]], [ids[2], ids[1]])
        self.assertEqual({file.stat().st_mode & 0o777 for file in issuer.KEYS.iterdir()}, {0o600})

    def test_it_starts_on_loopback_alone(self):
        for host in ("0.0.0.0", "192.0.2.1", "::", "example.com"):
            command = [sys.executable, "-m", "bellhop_cloud.issuer", "--host", host, "--port", "1"]
            done = subprocess.run(command, cwd=settings.HERE, capture_output=True, text=True, check=False, timeout=30)
            self.assertEqual(done.returncode, 1, host)
            self.assertIn("no loopback address", done.stderr)


if __name__ == "__main__":
    unittest.main()
