"""Keys of the development issuer, and the tokens that it signs: for people who sign in, and for `localstack/cloud token`."""

import base64
import hashlib
import json
import os
import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bellhop_cloud import settings
from bellhop_cloud.settings import AUDIENCE, Problem

ROLES = ("operator", "manager", "viewer")
LIFE_SECONDS = 3600
KEY_FILE = settings.RUN / "issuer" / "keys.pem"
PUBLISHED = 2  # keys at a time: the one that signs comes first, the one before it follows
TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MOST_TENANTS = 20


def encoded(data: bytes) -> str:
    """Base64url without padding, as everything in a token is."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))


class Key:
    """An RSA key that signs RS256."""

    def __init__(self, private: rsa.RSAPrivateKey):
        self.private = private
        numbers = private.public_key().public_numbers()
        public = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
        # A key's id is its thumbprint (RFC 7638), so that no two keys ever share one.
        self.id = encoded(hashlib.sha256(json.dumps(public, separators=(",", ":")).encode()).digest())
        self.public = public | {"kid": self.id, "use": "sig", "alg": "RS256"}

    @classmethod
    def new(cls) -> "Key":
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def pem(self) -> bytes:
        plain = serialization.NoEncryption()
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    def sign(self, claims: dict, kind: str = "JWT") -> str:
        head = {"alg": "RS256", "kid": self.id, "typ": kind}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{encoded(self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class KeyRing:
    """The keys in a file that only its owner can read. They outlive the issuer, so that a restart signs nobody out."""

    def __init__(self, file: Path = KEY_FILE):
        self.file = file

    def keys(self) -> list[Key]:
        """All that are published; made when there are none yet."""
        try:
            blocks = re.findall(rb"-----BEGIN.+?-----END[^\n]+\n", self.file.read_bytes(), re.DOTALL)
        except FileNotFoundError:
            blocks = []
        if not blocks:
            return self._keep([Key.new()])
        return [Key(serialization.load_pem_private_key(block, None)) for block in blocks]

    def signer(self) -> Key:
        return self.keys()[0]

    def rotate(self) -> Key:
        """A new key signs from now on; the one before it stays published, the one before that does not."""
        return self._keep([Key.new(), *self.keys()][:PUBLISHED])[0]

    def _keep(self, keys: list[Key]) -> list[Key]:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A temporary file is made with mode 0600, and takes the other's place whole.
        with tempfile.NamedTemporaryFile(dir=self.file.parent, delete=False) as new:
            new.write(b"".join(key.pem() for key in keys))
        os.replace(new.name, self.file)
        return keys


@dataclass(frozen=True)
class Person:
    """Somebody who signs in: a role, and the tenants that it is for (none: an operator, for all)."""

    role: str
    tenants: tuple[str, ...] = ()

    @classmethod
    def of(cls, role: str, tenants: str = "") -> "Person":
        """`tenants`: ids with spaces or commas between them."""
        if role not in ROLES:
            raise Problem(f"role is {role!r}, expected {', '.join(ROLES)}")
        if role == "operator":
            return cls(role)
        ids = tuple(dict.fromkeys(re.findall(r"[^\s,]+", tenants)))
        if not ids:
            raise Problem(f"a {role} is for a tenant, and none is named: give its id, such as seaside")
        if wrong := [one for one in ids if not TENANT.fullmatch(one)]:
            raise Problem(f"tenant is {wrong[0]!r}, expected 1 to 40 of a-z, 0-9, _ and -, beginning with a letter or digit")
        if len(ids) > MOST_TENANTS:
            raise Problem(f"{len(ids)} tenants, expected at most {MOST_TENANTS}")
        return cls(role, ids)

    @property
    def name(self) -> str:
        return " ".join([self.role.capitalize(), *([f"of {', '.join(self.tenants)}"] if self.tenants else [])])

    @property
    def subject(self) -> str:
        long = "+".join([self.role, *self.tenants])
        return f"dev-{long if len(long) < 60 else hashlib.sha256(long.encode()).hexdigest()[:32]}"


def claims(issuer: str, person: Person, nonce: str | None = None, now: float | None = None) -> dict:
    """What an ID token says of somebody."""
    issued = int(time.time() if now is None else now)
    said = {
        "iss": issuer, "sub": person.subject, "aud": AUDIENCE, "iat": issued, "exp": issued + LIFE_SECONDS,
        "name": person.name, "bellhop_role": person.role, "bellhop_tenants": list(person.tenants),
        "jti": secrets.token_urlsafe(12),
    }  # fmt: skip
    return said | ({"nonce": nonce} if nonce else {})


def token(person: Person, **other) -> str:
    """An ID token as the running issuer would give it; `other` claims are put over its own."""
    return KeyRing().signer().sign(claims(settings.issuer(), person) | other)
