"""What the development issuer decides, apart from HTTP: who may ask, where answers go, codes, and the page with its buttons."""

import base64
import hashlib
import html
import re
import secrets
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bellhop_cloud.settings import AUDIENCE, Problem
from bellhop_cloud.signing import Person, encoded

CODE_SECONDS = 60
MOST_CODES = 1000
EXAMPLE = "seaside"
# Answers go to this machine alone, and to an address without anything that one reader could take for another's host.
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
FIELDS = ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method")
STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f4f6f8, #14181d); color: light-dark(#1b232b, #e6ebf0); }
main { max-width: 26rem; margin: 8vh auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
p { margin: .25rem 0 1.25rem; }
form { background: light-dark(#fff, #1e252c); border: 1px solid light-dark(#d5dbe1, #38424c); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
label { display: block; font-weight: 600; }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; margin: .25rem 0 .75rem; color: inherit;
  background: light-dark(#fff, #14181d); border: 1px solid light-dark(#6b7885, #8895a2); border-radius: .375rem; }
button { width: 100%; font: inherit; font-weight: 600; padding: .625rem; border: 0; border-radius: .375rem; background: #1a5fb4; color: #fff; cursor: pointer; }
button:hover { background: #164f96; }
:focus-visible { outline: 3px solid light-dark(#1a5fb4, #8ab4f8); outline-offset: 2px; }
"""


class Refused(Exception):
    """Why a request gets no code or no token; `error` is a word of OAuth's."""

    def __init__(self, error: str, description: str):
        super().__init__(description)
        self.error, self.description = error, description


def is_loopback(address: str | None) -> bool:
    """Whether it is an address of this machine: scheme, host, port and path, nothing else."""
    return bool(address) and len(address) <= 500 and LOOPBACK.fullmatch(address) is not None


@dataclass(frozen=True)
class Request:
    """An authorization request whose client and way back are known to be right."""

    redirect_uri: str
    scope: str
    state: str
    nonce: str
    challenge: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, query: dict[str, str]) -> "Request":
        """Problem: nobody can be told but whoever looks at the page. Refused with a way back: see `way_back`."""
        if query.get("client_id") != AUDIENCE:
            raise Problem(f"client_id is {query.get('client_id')!r}, expected {AUDIENCE}")
        if not is_loopback(query.get("redirect_uri")):
            raise Problem(f"redirect_uri is {query.get('redirect_uri')!r}, expected an address of this machine")
        if query.get("response_type") != "code":
            raise Refused("unsupported_response_type", "response_type must be code")
        if "openid" not in query.get("scope", "").split():
            raise Refused("invalid_scope", "scope must contain openid")
        if query.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(query.get("code_challenge", "")):
            raise Refused("invalid_request", "code_challenge must be there, by code_challenge_method S256")
        fields = tuple((name, query[name]) for name in FIELDS if name in query)
        if any(len(value) > 500 for _, value in fields):
            raise Refused("invalid_request", "a value is longer than 500 characters")
        return cls(*(query.get(name, "") for name in ("redirect_uri", "scope", "state", "nonce", "code_challenge")), fields)


def way_back(redirect_uri: str, issuer: str, state: str, **answer: str) -> str:
    """Where the browser is sent, with `iss` (RFC 9207), so that one issuer's answer is not taken for another's."""
    said = answer | ({"state": state} if state else {}) | {"iss": issuer}
    return f"{redirect_uri}?{urlencode(said)}"


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    request: Request
    person: Person
    until: float


class Codes:
    """Codes that were given and not yet taken. Each is good once, and for a minute."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._grants, self._lock = clock, {}, threading.Lock()

    def give(self, request: Request, person: Person) -> str:
        code = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._grants = {known: grant for known, grant in self._grants.items() if grant.until > now}
            if len(self._grants) >= MOST_CODES:
                raise Refused("temporarily_unavailable", "too many people sign in at once")
            self._grants[code] = Grant(request, person, now + CODE_SECONDS)
        return code

    def take(self, form: dict[str, str]) -> Grant:
        """The grant of a token request. The code is used up, whatever comes of it."""
        if form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type", "grant_type must be authorization_code")
        if form.get("client_id") != AUDIENCE:
            raise Refused("invalid_client", f"client_id must be {AUDIENCE}")
        with self._lock:
            grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or grant.until <= self._clock():
            raise Refused("invalid_grant", "the code is unknown, used or too old")
        if form.get("redirect_uri") != grant.request.redirect_uri:
            raise Refused("invalid_grant", "redirect_uri must be the one that the code was asked with")
        verifier = form.get("code_verifier", "")
        made = encoded(hashlib.sha256(verifier.encode()).digest())
        if not VERIFIER.fullmatch(verifier) or not secrets.compare_digest(made, grant.request.challenge):
            raise Refused("invalid_grant", "code_verifier does not fit code_challenge")
        return grant


# ---- Pages.


def policy(redirect_uri: str | None = None) -> str:
    """Nothing but its own style; forms come back here, and from here the browser goes on to whoever asked."""
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    back = f" {urlsplit(redirect_uri).scheme}://{urlsplit(redirect_uri).netloc}" if redirect_uri else ""
    return f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'{back}; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, *content: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main><h1>{html.escape(title)}</h1>\n{''.join(content)}</main></body></html>\n"
    )


def note(text: str) -> str:
    return f"<p>{html.escape(text)}</p>\n"


def choice(request: Request, hint: str, tenants: list[str]) -> str:
    """The page with a button for each role. `hint`, such as manager:seaside, is who is meant: one press of Enter."""
    hinted_role, _, hinted_tenants = hint.partition(":")
    usual = tenants[0] if tenants else EXAMPLE
    hidden = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in request.fields)

    def form(role: str) -> str:
        focus = " autofocus" if role == hinted_role else ""
        field = ""
        if role != "operator":
            value = html.escape(hinted_tenants[:500] if role == hinted_role and hinted_tenants else usual)
            field = (
                f'<label for="{role}-tenants">Tenant of the {role}</label><input id="{role}-tenants" name="tenants" value="{value}" '
                'list="tenants" required maxlength="500" autocomplete="off" autocapitalize="none" spellcheck="false">'
            )
        return (
            f'<form method="post" action="authorize">{hidden}<input type="hidden" name="role" value="{role}">'
            f"{field}<button{focus}>{role.capitalize()}</button></form>\n"
        )

    known = "".join(f'<option value="{html.escape(tenant)}"></option>' for tenant in tenants or [EXAMPLE])
    about = note("This is the local cloud: choose who you are. On AWS your own identity provider asks here.")
    return page("Sign in for development", about, *map(form, ("operator", "manager", "viewer")), f'<datalist id="tenants">{known}</datalist>')
