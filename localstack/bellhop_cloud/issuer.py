"""An OpenID Connect issuer for development: sign-in by one click, for the console on the local cloud. It knows no passwords, and
so it listens on a loopback address only and sends people to addresses of this machine only.

`localstack/cloud up` starts it: python -m bellhop_cloud.issuer --port N"""

import argparse
import ipaddress
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from bellhop_cloud import settings
from bellhop_cloud.settings import RUN, STATE, Problem, note
from bellhop_cloud.sign_in import Codes, Refused, Request, choice, is_loopback, page, policy, way_back
from bellhop_cloud.sign_in import note as paragraph
from bellhop_cloud.signing import KEY_FILE, LIFE_SECONDS, KeyRing, Person, claims

MOST_BODY = 16 * 1024
IDLE_SECONDS = 15
MOST_SUGGESTED = 50
FORM = "application/x-www-form-urlencoded"


def discovery(issuer: str) -> dict:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "end_session_endpoint": f"{issuer}/logout",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": ["sub", "name", "bellhop_role", "bellhop_tenants"],
        "authorization_response_iss_parameter_supported": True,
    }


def known_tenants() -> list[str]:
    """Tenants of the stacks that are deployed here, to be suggested; none while nothing is deployed."""
    found = set()
    try:
        for file in RUN.glob("*.json"):
            if file != STATE and (table := json.loads(file.read_text()).get("StateTableName")):
                rows = settings.client("dynamodb").query(
                    TableName=table, KeyConditionExpression="pk = :pk", Limit=MOST_SUGGESTED,
                    ExpressionAttributeValues={":pk": {"S": "tenants#"}},
                )["Items"]  # fmt: skip
                found |= {row["sk"]["S"].rpartition("/")[2] for row in rows}
    except Exception as error:  # they are a courtesy: people can type
        note(f"no tenants to suggest: {error}")
    return sorted(found)[:MOST_SUGGESTED]


def unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """A query or form; what is said twice could be read in two ways."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem("a parameter is there twice")
    return fields


class Issuer(ThreadingHTTPServer):
    """The server. A test gives it its own keys and port 0."""

    daemon_threads = True

    def __init__(self, host: str = settings.HOST, port: int = 0, file: Path = KEY_FILE, suggest=lambda: []):
        if not ipaddress.ip_address(host).is_loopback:
            raise Problem(f"{host} is no loopback address: this issuer lets anybody in, and must not be reached from elsewhere")
        self.ring, self.codes, self.suggest = KeyRing(file), Codes(), suggest
        self.ring.keys()  # made now, so that a folder that cannot be written ends the start
        super().__init__((host, port), Handler)
        self.url = f"http://{host}:{self.server_port}"

    def in_background(self) -> "Issuer":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0, a connection for each request, so that a body that is left unread is nobody's next request."""

    timeout = IDLE_SECONDS
    server: Issuer

    def version_string(self) -> str:
        return "bellhop-issuer"

    def log_message(self, format, *args):  # codes and tokens pass here: nothing is written
        pass

    def do_GET(self):
        self.answer({
            "/.well-known/openid-configuration": lambda: self.json(200, discovery(self.server.url)),
            "/jwks": lambda: self.json(200, {"keys": [key.public for key in self.server.ring.keys()]}),
            "/authorize": lambda: self.authorize(unique(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))),
            "/logout": self.logout,
        })  # fmt: skip

    def do_POST(self):
        self.answer({
            "/authorize": lambda: self.authorize(self.form(), chosen=True),
            "/token": self.token,
            "/rotate": lambda: self.json(200, {"kid": self.server.ring.rotate().id}),
        })  # fmt: skip

    def answer(self, routes: dict):
        try:
            # By another name than ours, some page elsewhere has made the browser believe that this is its own server.
            if not is_loopback(f"http://{self.headers.get('Host', '')}"):
                raise Problem("Host is no address of this machine")
            origin = self.headers.get("Origin")
            if self.command == "POST" and origin is not None and not is_loopback(origin):
                raise Problem("a page from elsewhere asks")
            route = routes.get(urlsplit(self.path).path)
            return route() if route else self.html(404, page("Not found", paragraph("There is nothing here.")))
        except Problem as problem:
            return self.html(400, page("This request is not answered", paragraph(str(problem))))

    # ---- Endpoints.

    def authorize(self, query: dict[str, str], chosen: bool = False):
        try:
            request = Request.read(query)
            if not chosen:
                return self.html(200, choice(request, query.get("login_hint", ""), self.server.suggest()), request.redirect_uri)
            person = Person.of(query.get("role", ""), query.get("tenants", ""))
            answer = {"code": self.server.codes.give(request, person)}
        except Refused as refused:  # its way back was looked at first
            answer = {"error": refused.error, "error_description": refused.description}
        return self.redirect(way_back(query["redirect_uri"], self.server.url, query.get("state", ""), **answer))

    def token(self):
        try:
            grant = self.server.codes.take(self.form())
        except Refused as refused:
            return self.json(400, {"error": refused.error, "error_description": refused.description})
        said, key = claims(self.server.url, grant.person, grant.request.nonce), self.server.ring.signer()
        access = {name: value for name, value in said.items() if name not in ("nonce", "name")} | {"scope": grant.request.scope}
        tokens = {"id_token": key.sign(said), "access_token": key.sign(access, "at+jwt")}
        return self.json(200, tokens | {"token_type": "Bearer", "expires_in": LIFE_SECONDS, "scope": grant.request.scope})

    def logout(self):
        """Nobody is signed in here: this only sends people back."""
        query = unique(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        back = query.get("post_logout_redirect_uri")
        if back is None:
            return self.html(200, page("Signed out", paragraph("You can close this page.")))
        if not is_loopback(back):
            raise Problem(f"post_logout_redirect_uri is {back!r}, expected an address of this machine")
        return self.redirect(f"{back}?{'state=' + query['state'] if query.get('state', '').isalnum() else ''}".rstrip("?"))

    # ---- What goes over the wire.

    def form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != FORM or not length.isdecimal() or int(length) > MOST_BODY:
            raise Problem(f"expected a form ({FORM}) with its length, at most {MOST_BODY} bytes")
        try:
            return unique(parse_qsl(self.rfile.read(int(length)).decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise Problem("the form is not UTF-8") from None

    def json(self, status: int, body: dict):
        origin = self.headers.get("Origin")
        shared = {"Access-Control-Allow-Origin": origin} if is_loopback(origin) else {}
        self.send(status, "application/json", json.dumps(body), shared | {"Vary": "Origin"})

    def html(self, status: int, body: str, redirect_uri: str | None = None):
        headers = {"Content-Security-Policy": policy(redirect_uri), "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
        self.send(status, "text/html; charset=utf-8", body, headers)

    def redirect(self, to: str):
        self.send(303, "text/plain", "", {"Location": to, "Referrer-Policy": "no-referrer"})

    def send(self, status: int, kind: str, body: str, headers: dict[str, str]):
        data = body.encode()
        self.send_response(status)
        usual = {"Content-Type": kind, "Content-Length": str(len(data)), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        for name, value in (usual | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bellhop_cloud.issuer", description=__doc__)
    parser.add_argument("--host", default=settings.HOST)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Issuer(args.host, args.port, suggest=known_tenants) as issuer:
            issuer.serve_forever()
    except (Problem, ValueError, OSError) as problem:
        note(f"issuer: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
