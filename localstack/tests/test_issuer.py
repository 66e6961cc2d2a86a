"""The development issuer: over HTTP what a browser and a console do, and what it refuses."""

import base64
import contextlib
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from bellhop_cloud import settings, signing
from bellhop_cloud.__main__ import token as token_command
from bellhop_cloud.issuer import Issuer
from bellhop_cloud.settings import AUDIENCE, Problem
from bellhop_cloud.sign_in import CODE_SECONDS, Codes, Refused, is_loopback
from bellhop_cloud.sign_in import Request as Authorization
from bellhop_cloud.signing import KeyRing, Person

BACK = "http://127.0.0.1:4566/_bellhop/url/bellhop-console/"
VERIFIER = "v" * 43


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


ASKED = {
    "response_type": "code", "client_id": AUDIENCE, "redirect_uri": BACK, "scope": "openid profile email", "state": "s-1",
    "nonce": "n-1", "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
}  # fmt: skip


class Answer:
    def __init__(self, raw: HTTPResponse):
        self.status, self.headers, self.body = raw.status, raw.headers, raw.read().decode()

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def back(self) -> dict:
        """What the address that the browser is sent to says."""
        return {name: value for name, [value] in parse_qs(urlsplit(self.headers["Location"]).query).items()}


class Served(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = Path(directory.name) / "issuer" / "keys.pem"
        self.issuer = self.enterContext(Issuer(file=self.file, suggest=lambda: ["harbour", "summit"]).in_background())

    def call(self, path: str, form: dict | bytes | None = None, **headers: str) -> Answer:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(form, dict):
            form = urlencode(form).encode()
        if form is not None:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection = HTTPConnection(settings.HOST, self.issuer.server_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET" if form is None else "POST", path, form, headers)
            return Answer(connection.getresponse())

    def sign_in(self, role: str = "manager", tenants: str = "seaside", **other: str) -> Answer:
        return self.call("/authorize", ASKED | {"role": role, "tenants": tenants} | other)

    def redeem(self, code: str, headers: dict | None = None, **other: str) -> Answer:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": AUDIENCE, "code_verifier": VERIFIER}
        return self.call("/token", form | other, **(headers or {}))

    def verified(self, token: str) -> dict:
        """As a stranger does who knows the issuer's address alone."""
        keys = {key["kid"]: jwt.PyJWK(key) for key in self.call(self.path_of("jwks_uri")).json["keys"]}
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=self.issuer.url)

    def path_of(self, name: str) -> str:
        return self.call("/.well-known/openid-configuration").json[name].removeprefix(self.issuer.url)


class SignIn(Served):
    def test_somebody_signs_in_and_gets_tokens_that_a_stranger_can_verify(self):
        sent = self.sign_in()
        self.assertEqual(sent.status, 303)
        self.assertTrue(sent.headers["Location"].startswith(BACK + "?"))
        self.assertEqual((sent.back["state"], sent.back["iss"]), ("s-1", self.issuer.url))
        answer = self.redeem(sent.back["code"])
        self.assertEqual((answer.status, answer.headers["Cache-Control"]), (200, "no-store"))
        said = self.verified(answer.json["id_token"])
        self.assertEqual(said["exp"] - said["iat"], 3600)
        self.assertEqual((said["nonce"], said["bellhop_role"], said["bellhop_tenants"]), ("n-1", "manager", ["seaside"]))
        self.assertEqual((said["sub"], said["name"]), ("dev-manager+seaside", "Manager of seaside"))
        self.assertEqual(self.verified(answer.json["access_token"])["bellhop_tenants"], ["seaside"])
        self.assertEqual((answer.json["token_type"], answer.json["expires_in"]), ("Bearer", 3600))

    def test_each_role_has_its_tenants(self):
        for role, tenants, expected in (("operator", "seaside", []), ("viewer", "seaside, hill  b_1", ["seaside", "hill", "b_1"])):
            said = self.verified(self.redeem(self.sign_in(role, tenants).back["code"]).json["id_token"])
            self.assertEqual((said["bellhop_role"], said["bellhop_tenants"]), (role, expected))
        for role, tenants in (("manager", ""), ("viewer", " , "), ("manager", "Sea"), ("manager", "a/b"), ("admin", "a"), ("", "a")):
            answer = self.sign_in(role, tenants)
            self.assertEqual((answer.status, answer.headers["Location"]), (400, None), (role, tenants))

    def test_a_code_is_good_once_for_whoever_asked_for_it(self):
        wrong = {
            "code_verifier": "w" * 43, "redirect_uri": BACK + "x", "client_id": "somebody", "grant_type": "password",
        }  # fmt: skip
        for name, value in wrong.items():
            code = self.sign_in().back["code"]
            self.assertEqual(self.redeem(code, **{name: value}).status, 400, name)
        code = self.sign_in().back["code"]
        self.assertEqual(self.redeem(code, code_verifier="").json["error"], "invalid_grant")
        self.assertEqual(self.redeem(code).json["error"], "invalid_grant", "a wrong try has used it up")
        code = self.sign_in().back["code"]
        self.assertEqual([self.redeem(code).status for _ in range(2)], [200, 400])
        self.assertEqual(self.redeem("guessed").json["error"], "invalid_grant")

    def test_only_pages_of_this_machine_read_tokens_and_ask(self):
        here = self.redeem(self.sign_in().back["code"], {"Origin": "http://127.0.0.1:4566"})
        self.assertEqual((here.headers["Access-Control-Allow-Origin"], here.headers["Vary"]), ("http://127.0.0.1:4566", "Origin"))
        self.assertIsNone(self.redeem(self.sign_in().back["code"]).headers["Access-Control-Allow-Origin"])
        code = self.sign_in().back["code"]
        for origin in ("https://example.com", "http://127.0.0.1.example.com", "null"):
            away = self.redeem(code, {"Origin": origin})
            self.assertEqual((away.status, away.headers["Access-Control-Allow-Origin"]), (400, None), origin)
            self.assertEqual(self.call("/rotate", b"", Origin=origin).status, 400)
        self.assertEqual(self.redeem(code).status, 200)
        for host in ("example.com", "127.0.0.1.example.com:80", "rebound.invalid"):
            self.assertEqual(self.call("/jwks", Host=host).status, 400, host)

    def test_what_is_no_form_is_not_read(self):
        for form, kind in ((b"{}", "application/json"), (b"a=1&a=2", "application/x-www-form-urlencoded"), (b"\xff", "application/x-www-form-urlencoded")):
            self.assertEqual(self.call("/token", form, Content_Type=kind).status, 400, form)
        self.assertEqual(self.call("/token", b"a=" + b"a" * 20_000).status, 400)
        self.assertEqual(self.call("/nothing").status, 404)
        self.assertEqual(self.call("/authorize?" + urlencode(ASKED) + "&state=other").status, 400)


class Page(Served):
    def page(self, **other: str | None) -> Answer:
        query = {name: value for name, value in (ASKED | other).items() if value is not None}
        return self.call("/authorize?" + urlencode(query))

    def test_it_has_a_button_for_each_role_and_knows_the_tenants(self):
        page = self.page()
        self.assertEqual(page.status, 200)
        for role in ("Operator", "Manager", "Viewer"):
            self.assertIn(f"<button>{role}</button>", page.body)
        self.assertIn('value="harbour" list="tenants"', page.body)
        self.assertIn('<option value="summit">', page.body)
        hinted = self.page(login_hint="viewer:summit").body
        self.assertIn('id="viewer-tenants" name="tenants" value="summit"', hinted)
        self.assertIn("<button autofocus>Viewer</button>", hinted)

    def test_it_runs_nothing_and_shows_no_markup_of_others(self):
        page = self.page(state='"><script>alert(1)</script>', login_hint='manager:"><b>')
        self.assertNotIn("<script>", page.body)
        self.assertNotIn("<b>", page.body)
        policy = page.headers["Content-Security-Policy"]
        style = page.body.split("<style>")[1].split("</style>")[0]
        self.assertIn(base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(), policy)
        self.assertIn("default-src 'none'; ", policy)
        self.assertIn("form-action 'self' http://127.0.0.1:4566; ", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("script-src", policy)

    def test_nobody_is_sent_to_another_machine(self):
        addresses = (
            "https://example.com/", "http://127.0.0.1@example.com/", "http://127.0.0.1.example.com/", "http://127.0.0.1:80\\@example.com/",
            "//127.0.0.1/", "javascript:alert(1)", "http://127.0.0.1/#a", "http://127.0.0.1/?a=b", "http://127.0.0.1/\r\nSet-Cookie: a", "http://127.0.0.2/",
            "http://0.0.0.0/", "http://[::ffff:1.2.3.4]/", "http://localhost.example.com/", "http://127.0.0.1:4566/\n", "", None,
        )  # fmt: skip
        for address in addresses:
            page = self.page(redirect_uri=address)
            self.assertEqual((page.status, page.headers["Location"]), (400, None), address)
            self.assertEqual(self.sign_in(redirect_uri=address or "").status, 400, address)
            out = self.call("/logout?" + urlencode({"post_logout_redirect_uri": address or ""}))
            self.assertEqual((out.status, out.headers["Location"]), (400, None), address)
        self.assertEqual(self.page(client_id="somebody").status, 400)
        for address in ("http://127.0.0.1:4566/a/b-c_d/", "http://localhost:1", "http://[::1]:4566/", "https://localhost/x"):
            self.assertTrue(is_loopback(address), address)

    def test_without_pkce_or_openid_the_asker_is_told_why(self):
        wrong = {
            "code_challenge_method": ("plain", "invalid_request"), "code_challenge": ("short", "invalid_request"),
            "scope": ("profile", "invalid_scope"), "response_type": ("token", "unsupported_response_type"),
        }  # fmt: skip
        for name, (value, error) in wrong.items():
            for given in (value, None):
                answer = self.page(**{name: given})
                self.assertEqual((answer.status, answer.back["error"], answer.back["state"]), (303, error, "s-1"), name)
                self.assertNotIn("code", answer.back)

    def test_signing_out_leads_back(self):
        self.assertEqual(self.call("/logout").status, 200)
        answer = self.call("/logout?" + urlencode({"post_logout_redirect_uri": BACK, "client_id": AUDIENCE}))
        self.assertEqual((answer.status, answer.headers["Location"]), (303, BACK))


class Keys(Served):
    def published(self) -> list[str]:
        return [key["kid"] for key in self.call("/jwks").json["keys"]]

    def test_they_are_kept_for_their_owner_alone_and_over_restarts(self):
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.file.parent.stat().st_mode), 0o700)
        with Issuer(file=self.file).in_background() as again:
            self.assertEqual([key.id for key in again.ring.keys()], self.published())

    def test_two_are_published_while_they_change_and_nothing_private_is(self):
        [first] = self.published()
        second = self.call("/rotate", b"").json["kid"]
        self.assertEqual(self.published(), [second, first])
        third = self.call("/rotate", b"").json["kid"]
        self.assertEqual(self.published(), [third, second])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        for key in self.call("/jwks").json["keys"]:
            self.assertEqual(set(key), {"kty", "kid", "use", "alg", "n", "e"})

    def test_the_command_line_signs_with_the_same_keys(self):
        ring = KeyRing(self.file)
        out = io.StringIO()
        with (
            mock.patch.object(signing, "KeyRing", lambda: ring),
            mock.patch.object(settings, "issuer", lambda: self.issuer.url),
            contextlib.redirect_stdout(out),
        ):
            token_command(mock.Mock(role="manager", tenant=["seaside", "hill"]))
            with self.assertRaises(Problem):
                token_command(mock.Mock(role="operator", tenant=["seaside"]))
        self.assertEqual(self.verified(out.getvalue().strip())["bellhop_tenants"], ["seaside", "hill"])


class Parts(unittest.TestCase):
    def test_a_code_lasts_a_minute(self):
        now = [0.0]
        codes = Codes(lambda: now[0])
        request, person = Authorization.read(ASKED), Person.of("operator")
        form = {"grant_type": "authorization_code", "client_id": AUDIENCE, "redirect_uri": BACK, "code_verifier": VERIFIER}
        for wait, good in ((CODE_SECONDS - 1, True), (CODE_SECONDS, False)):
            code = codes.give(request, person)
            now[0] += wait
            if good:
                self.assertEqual(codes.take(form | {"code": code}).person, person)
            else:
                with self.assertRaises(Refused):
                    codes.take(form | {"code": code})

    def test_it_does_not_start_where_others_reach_it(self):
        for host in ("0.0.0.0", "192.168.1.1", "::"):
            with self.assertRaisesRegex(Problem, "loopback"):
                Issuer(host)
        command = [sys.executable, "-m", "bellhop_cloud.issuer", "--host", "0.0.0.0", "--port", "0"]
        done = subprocess.run(command, cwd=settings.HERE, env=os.environ, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, "no loopback address" in done.stderr), (1, True), done.stderr)


if __name__ == "__main__":
    unittest.main()
