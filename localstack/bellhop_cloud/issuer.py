"""An OpenID Connect issuer for the local cloud: whoever sits at this machine signs in with one click, in any role.

Authorization code with PKCE (RFC 7636, S256), as the console does it. It listens on loopback alone and knows no secret but its
own key, so it is of no use anywhere else: it refuses to start on another address, and to send anybody to another machine."""

import argparse
import base64
import hashlib
import html
import ipaddress
import json
import os
import re
import secrets
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bellhop_cloud import settings
from bellhop_cloud.settings import AUDIENCE, Problem

ROLES = {"operator": "all tenants", "manager": "reads and decides for its tenants", "viewer": "reads, and decides nothing"}
CODE_SECONDS, TOKEN_SECONDS = 60, 3600
KEYS = settings.RUN / "issuer"
MOST_BODY = 20_000
# An address of this machine, without anything that one reader could take for another's host, or for a line of its own.
HERE = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", re.ASCII)
TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:* http://localhost:*; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, browsers hide from us that it is our own page that asks
    "Cache-Control": "no-store",
}
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 28rem; margin: 3rem auto; padding: 0 1rem; }
form { display: grid; gap: .75rem; }
input, button { font: inherit; padding: .6rem .8rem; border: 1px solid; border-radius: .5rem; }
button { cursor: pointer; text-align: left; }
"""


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_here(address: str) -> bool:
    return HERE.fullmatch(address) is not None


# ---- Keys: the newest signs; the one before it is still published, so that tokens outlive a rotation.


def _key_files() -> list[Path]:
    return sorted(KEYS.glob("*.pem"), reverse=True)


def rotate():
    KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(KEYS / f"{time.time_ns()}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    for old in _key_files()[2:]:
        old.unlink()


def signing_key() -> tuple[str, bytes]:
    """The newest: its id and PEM."""
    if not _key_files():
        rotate()
    newest = _key_files()[0]
    return newest.stem, newest.read_bytes()


def key_set() -> dict:
    signing_key()
    keys = []
    for file in _key_files():
        private = serialization.load_pem_private_key(file.read_bytes(), None)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
        keys.append(public | {"kid": file.stem, "use": "sig", "alg": "RS256"})
    return {"keys": keys}


def token(role: str, tenants: list[str], nonce: str | None = None, **other) -> str:
    """A signed token of this issuer; `other` replaces claims, or leaves them out with None (for tests)."""
    kid, key = signing_key()
    now = int(time.time())
    claims = {
        "iss": settings.issuer_url(), "aud": AUDIENCE, "sub": f"{role}@local", "name": f"Local {role}",
        "iat": now, "exp": now + TOKEN_SECONDS, "bellhop_role": role, "bellhop_tenants": tenants, "nonce": nonce,
    }  # fmt: skip
    claims = {name: value for name, value in (claims | other).items() if value is not None}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


# ---- Signing in.


class Refused(Exception):
    """What was asked for cannot be; said on a page, for an address that is not trusted gets no answer."""


def checked(query: dict[str, str]) -> dict[str, str]:
    """What an authorization request must say (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636, 4.3)."""
    if not is_here(query.get("redirect_uri", "")):
        raise Refused("redirect_uri must be an address on this machine")
    for name, wanted in (("response_type", "code"), ("client_id", AUDIENCE), ("code_challenge_method", "S256")):
        if query.get(name) != wanted:
            raise Refused(f"{name} must be {wanted}")
    if not 43 <= len(query.get("code_challenge", "")) <= 128:
        raise Refused("code_challenge must be there")
    if "openid" not in query.get("scope", "").split():
        raise Refused("scope must contain openid")
    return query


def tenants_of(role: str, text: str) -> list[str]:
    """The console takes no token that names what cannot be a tenant, nor can it say so: this does."""
    tenants = [each.strip() for each in text.split(",") if each.strip()]
    if role not in ROLES:
        raise Refused("role must be one of " + ", ".join(ROLES))
    if role != "operator" and not tenants:
        raise Refused(f"a {role} needs a tenant")
    if wrong := [each for each in tenants if not TENANT.fullmatch(each)]:
        raise Refused(f"{wrong[0]!r} is no tenant: 1 to 40 of a-z, 0-9, _ and -, beginning with a letter or digit")
    return tenants


def page(query: dict[str, str]) -> str:
    hint_role, _, hint_tenant = query.get("login_hint", "").partition(":")
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in query.items()
    )
    buttons = "".join(
        f'<button name="role" value="{role}"{" autofocus" if role == (hint_role or "operator") else ""}>'
        f"<strong>{role.capitalize()}</strong>: {what}</button>"
        for role, what in ROLES.items()
    )
    tenant = html.escape(hint_tenant or "seaside")
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in to the local cloud</title><link rel="stylesheet" href="style.css"></head><body><main>
<h1>Sign in</h1><p>This is the local cloud: choose who you are.</p>
<form method="post" action="authorize">{hidden}
<label for="tenants">Tenants, for manager and viewer (commas between)</label>
<input id="tenants" name="tenants" value="{tenant}" autocomplete="off">{buttons}</form></main></body></html>"""


class Codes:
    """Codes that were given out, each good once."""

    def __init__(self):
        self._given: dict[str, tuple[float, dict, dict]] = {}

    def give(self, query: dict, who: dict) -> str:
        now = time.monotonic()
        self._given = {code: entry for code, entry in self._given.items() if entry[0] > now}
        code = secrets.token_urlsafe(24)
        self._given[code] = (now + CODE_SECONDS, query, who)
        return code

    def redeem(self, form: dict[str, str]) -> dict:
        until, query, who = self._given.pop(form.get("code", ""), (0, {}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        good = (
            time.monotonic() < until and form.get("grant_type") == "authorization_code"
            and form.get("client_id") == AUDIENCE and form.get("redirect_uri") == query.get("redirect_uri")
            and secrets.compare_digest(challenge, query.get("code_challenge", ""))
        )  # fmt: skip
        if not good:
            raise Refused("the code is unknown, used, too old, or not for you")
        issued = token(who["role"], who["tenants"], query.get("nonce"))
        return {"access_token": issued, "id_token": issued, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0, a connection for each request: a body that is left unread is nobody's next request."""

    def log_message(self, *_):
        pass  # requests carry codes

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        try:
            self.refuse_strangers()
            match address.path:
                case "/.well-known/openid-configuration":
                    self.json(200, self.discovery())
                case "/keys":
                    self.json(200, key_set())
                case "/authorize":
                    self.text(200, page(checked(query)), "text/html")
                case "/style.css":
                    self.text(200, STYLE, "text/css")
                case "/logout":
                    self.go(query.get("post_logout_redirect_uri", ""), {})
                case _:
                    self.text(404, "not here\n", "text/plain")
        except Refused as refused:
            self.text(400, f"{refused}\n", "text/plain")

    def do_POST(self):
        try:
            self.refuse_strangers()
            form = self.form()
            match urllib.parse.urlsplit(self.path).path:
                case "/authorize":
                    role = form.pop("role", "")
                    tenants = tenants_of(role, form.pop("tenants", ""))
                    query = checked(form)
                    code = self.server.codes.give(query, {"role": role, "tenants": tenants})
                    self.go(query["redirect_uri"], {"code": code, "state": query.get("state", ""), "iss": settings.issuer_url()})
                case "/token":
                    self.json(200, self.server.codes.redeem(form))
                case "/rotate":
                    rotate()
                    self.json(200, key_set())
                case _:
                    self.text(404, "not here\n", "text/plain")
        except Refused as refused:
            error = {"error": "invalid_grant", "error_description": str(refused)}
            self.json(400, error) if self.path == "/token" else self.text(400, f"{refused}\n", "text/plain")

    def refuse_strangers(self):
        """Pages of other machines, even if they made a name of theirs point here."""
        if not is_here(f"http://{self.headers.get('Host', '')}"):
            raise Refused("Host must be an address on this machine")
        if self.command == "POST" and not is_here(self.headers.get("Origin") or settings.issuer_url()):
            raise Refused("Origin must be an address on this machine")

    def form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > MOST_BODY:
            raise Refused(f"Content-Length must be a number up to {MOST_BODY}")
        return dict(urllib.parse.parse_qsl(self.rfile.read(int(length)).decode(errors="replace")))

    def discovery(self) -> dict:
        url = settings.issuer_url()
        return {
            "issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token", "jwks_uri": f"{url}/keys",
            "end_session_endpoint": f"{url}/logout", "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile"], "token_endpoint_auth_methods_supported": ["none"],
        }  # fmt: skip

    def go(self, where: str, query: dict[str, str]):
        if not is_here(where):
            raise Refused("only addresses on this machine")
        answer = urllib.parse.urlencode(query)
        self.answer(303, b"", "text/plain", {"Location": f"{where}?{answer}" if answer else where})

    def json(self, status: int, value: dict):
        origin = self.headers.get("Origin") or ""
        allowed = {"Access-Control-Allow-Origin": origin} if is_here(origin) else {}
        self.answer(status, json.dumps(value).encode(), "application/json", allowed | {"Vary": "Origin"})

    def text(self, status: int, text: str, kind: str):
        self.answer(status, text.encode(), f"{kind}; charset=utf-8", {})

    def answer(self, status: int, body: bytes, kind: str, more: dict[str, str]):
        self.send_response_only(status)
        for name, value in (HEADERS | more | {"Content-Type": kind, "Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def serve(host: str, port: int):
    if not is_loopback(host):
        raise Problem(f"the issuer signs anybody in: it serves this machine alone, and {host} is no loopback address")
    server = ThreadingHTTPServer((host, port), Handler)
    server.codes = Codes()
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=settings.HOST)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    try:
        serve(arguments.host, arguments.port)
    except Problem as problem:
        sys.exit(str(problem))
