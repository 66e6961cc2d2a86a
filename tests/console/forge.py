"""Tokens that must not open anything: each differs from a good one in one way."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from bellhop_cloud import settings
from bellhop_cloud.signing import Key, Person, claims, encoded

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
GONE = object()  # a claim that is left out


def joined(head: dict, said, sign) -> str:
    """A token in compact form; `sign` makes the signature of its first two parts."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    signed = f"{encoded(json.dumps(head).encode())}.{encoded(body)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def rsa(key: Key, size: str = "256", pss: bool = False):
    how = padding.PSS(padding.MGF1(HASHES[size]), padding.PSS.DIGEST_LENGTH) if pss else padding.PKCS1v15()
    return lambda data: key.private.sign(data, how, HASHES[size])


def shared(secret: bytes, size: str = "256"):
    return lambda data: hmac.digest(secret, data, f"sha{size}")


def elliptic(data: bytes) -> bytes:
    r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(HASHES["256"])))
    return r.to_bytes(32) + s.to_bytes(32)


class Forger:
    """Knows what the issuer publishes, and may have one of its keys, in order to sign what the issuer never would."""

    def __init__(self, key: Key, role: str, tenants: str):
        self.key, self.thief = key, Key.new()
        self.person = Person.of(role, tenants)

    def head(self, **other) -> dict:
        return without({"alg": "RS256", "kid": self.key.id, "typ": "JWT"} | other)

    def said(self, **other) -> dict:
        return without(claims(settings.issuer(), self.person) | {"sub": f"forged-{secrets.token_hex(6)}"} | other)

    def good(self) -> str:
        return joined(self.head(), self.said(), rsa(self.key))

    def all(self) -> Iterator[tuple[str, str]]:
        yield from self.by_algorithm()
        yield from self.by_key()
        yield from self.by_claim()
        yield from self.by_form()

    def by_algorithm(self) -> Iterator[tuple[str, str]]:
        nothing = lambda _: b""  # noqa: E731
        for name in ("none", "None", "NONE", "nOnE", ""):
            yield f"alg {name!r} without a signature", joined(self.head(alg=name), self.said(), nothing)
            yield f"alg {name!r} with one", joined(self.head(alg=name), self.said(), rsa(self.key))
        yield "no alg", joined(self.head(alg=GONE), self.said(), rsa(self.key))
        public = self.key.private.public_key()
        forms = {
            "PEM": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "PKCS1 PEM": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
            "DER": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            "modulus": base64.urlsafe_b64decode(self.key.public["n"] + "=="),
            "modulus as text": self.key.public["n"].encode(),
            "JWK": json.dumps(self.key.public).encode(),
            "kid": self.key.id.encode(),
            "nothing": b"",
        }
        for form, secret in forms.items():
            yield f"HS256 with the public key as {form}", joined(self.head(alg="HS256"), self.said(), shared(secret))
        for size in ("384", "512"):
            yield f"HS{size} with the public key", joined(self.head(alg=f"HS{size}"), self.said(), shared(forms["PEM"], size))
            yield f"RS{size}, which the key is not for", joined(self.head(alg=f"RS{size}"), self.said(), rsa(self.key, size))
        yield "PS256, which the key is not for", joined(self.head(alg="PS256"), self.said(), rsa(self.key, pss=True))
        yield "ES256 by a stranger", joined(self.head(alg="ES256"), self.said(), elliptic)
        yield "RS256 said, RS512 done", joined(self.head(), self.said(), rsa(self.key, "512"))

    def by_key(self) -> Iterator[tuple[str, str]]:
        own = {"jwk": self.thief.public, "jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/x", "x5c": ["MIIB"]}
        yield "a stranger's key under the issuer's id", joined(self.head(), self.said(), rsa(self.thief))
        yield "a stranger's key under its own id", joined(self.head(kid=self.thief.id), self.said(), rsa(self.thief))
        for name, value in own.items():
            yield f"a stranger's key by {name}", joined(self.head(kid=self.thief.id, **{name: value}), self.said(), rsa(self.thief))
            yield f"a stranger's key by {name}, the issuer's id", joined(self.head(**{name: value}), self.said(), rsa(self.thief))
        for id_ in (GONE, "", "0", 7, None, ["a"], "../../../../dev/null", "' or '1'='1", "k" * 300, self.key.id.lower(), self.key.id + " "):
            yield f"kid {'left out' if id_ is GONE else repr(id_)[:40]}", joined(self.head(kid=id_), self.said(), rsa(self.key))
        yield "an extension that must be known", joined(self.head(crit=["b64"], b64=False), self.said(), rsa(self.key))
        yield "a token that ends sessions", joined(self.head(typ="logout+jwt"), self.said(), rsa(self.key))
        yield "compressed", joined(self.head(zip="DEF"), self.said(), rsa(self.key))

    def by_claim(self) -> Iterator[tuple[str, str]]:
        now, issuer = int(time.time()), settings.issuer()
        wrong = {
            "iss": (GONE, None, "", "https://example.com", issuer + "/", issuer.upper(), issuer + ".example.com", [issuer], 7, "http://127.0.0.1"),
            "aud": (GONE, None, "", "somebody", [], ["somebody"], ["bellhop-console", 7], "bellhop-console ", "Bellhop-Console", "bellhop", {}, 7),
            "azp": ("somebody",),
            "exp": (GONE, None, 0, -1, now - 120, str(now + 3600), "never", 1e300, True, [now + 3600]),
            "nbf": (now + 3600, now + 1e9, "now", [0]),
            "sub": (GONE, None, "", "  ", 7, "s" * 201, "a\nb", ["a"]),
            "bellhop_role": (GONE, None, "", "admin", "Operator", "operator ", ["operator"], {"role": "operator"}, 1),
            "bellhop_tenants": (GONE, None, 7, {}, [7], ["A"], ["a/b"], [""], ["a#b"], [["a"]], "a/b", "Sea"),
        }
        for name, values in wrong.items():
            for value in values:
                shown = "left out" if value is GONE else repr(value)[:50]
                yield f"{name} {shown}", joined(self.head(), self.said(**{name: value}), rsa(self.key))
        yield "a token of another client", joined(self.head(), self.said(aud=GONE, client_id="somebody", token_use="access"), rsa(self.key))
        yield "an ID token without an audience", joined(self.head(), self.said(aud=GONE, client_id="bellhop-console", token_use="id"), rsa(self.key))
        for body in (b"", b"{", b"[]", b"null", b'"a"', b"\xff"):
            yield f"claims {body!r}", joined(self.head(), body, rsa(self.key))

    def by_form(self) -> Iterator[tuple[str, str]]:
        good = self.good()
        head, body, signature = good.split(".")
        flip = lambda text, at: f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}"  # noqa: E731
        operator = encoded(json.dumps(self.said(bellhop_role="operator")).encode())
        yield "another body under the signature", f"{head}.{operator}.{signature}"
        for at in (0, 100, 200):
            yield f"a signature with another letter {at}", f"{head}.{body}.{flip(signature, at)}"
        yield "a body with another letter", f"{head}.{flip(body, len(body) // 2)}.{signature}"
        for length in (1, 10, len(head), len(head) + 1, len(good) // 2, len(good) - len(signature), len(good) - 8, len(good) - 2):
            yield f"cut after {length} of {len(good)}", good[:length]
        twisted = {
            "no signature": f"{head}.{body}.", "no body": f"{head}..{signature}", "no head": f".{body}.{signature}", "dots alone": "..",
            "a part more": f"{good}.{signature}", "five parts": f"{head}.{body}.{signature}.{body}.{signature}", "padded": f"{head}==.{body}.{signature}",
            "signed twice": f"{head}.{body}.{signature}{signature}", "too long": f"{head}.{body}.{signature}{'A' * 9000}", "two": f"{good}, {good}",
            "in quotes": f'"{good}"', "not base64": f"{head}.{body}.%%%%", "a word": "operator", "nothing": "",
        }  # fmt: skip
        yield from twisted.items()


def without(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if value is not GONE}
