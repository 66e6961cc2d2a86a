"""The console's API under attack, over real HTTP: forged tokens, guessed ids, foreign cursors. 401 or 404, and never a difference
that tells whether something exists."""

import base64
import json
import time
import unittest
import urllib.error
import urllib.request

import guests
import harness
import jwt
from bellhop_cloud import issuer, settings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from events import House
from pages import stack


def part(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = stack()
        cls.url = cls.stack.outputs["ConsoleUrl"]
        cls.houses = [House(name).register(cls.stack) for name in ("victim", "attacker")]
        for house in cls.houses:
            house.send(cls.stack, *(house.booking(f"b{n}", departure="2031-04-01") for n in range(3)))
        cls.stack.drain()
        cls.victim, cls.attacker = cls.houses
        cls.items = harness.wait(lambda: cls.listed(cls.victim), 30, "items")

    @classmethod
    def listed(cls, house: House) -> list[dict]:
        return json.loads(guests.command(cls.stack, "review", "list", "--tenant", house.tenant, "--json"))

    def ask(self, path: str, token: str | None = None, body=None, method: str | None = None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        data = None if body is None else json.dumps(body).encode()
        for _ in range(20):
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    return error.code, error.read()
                time.sleep(int(error.headers["Retry-After"]))
        raise AssertionError("always too many requests")

    def forged(self) -> dict[str, str | None]:
        """Each of these says that it is an operator."""
        good = issuer.token("operator", [])
        head, claims, signature = good.split(".")
        kid, key = issuer.signing_key()
        public = serialization.load_pem_private_key(key, None).public_key()
        spki = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        said, now = jwt.decode(good, options={"verify_signature": False}), int(time.time())

        def by(private, algorithm="RS256", **headers) -> str:
            return jwt.api_jws.encode(json.dumps(said).encode(), private, algorithm, headers={"kid": kid} | headers)

        def hmac(secret: bytes, **headers) -> str:
            import hashlib
            import hmac as mac

            text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid} | headers)}.{claims}"
            digest = mac.new(secret, text.encode(), hashlib.sha256).digest()
            return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

        forged = {
            "none": None, "empty": "", "a word": "operator", "dots": "..", "one part": head, "two parts": f"{head}.{claims}",
            "no signature": f"{head}.{claims}.", "four parts": f"{good}.{signature}", "spaces": f" {good[:-4]} ", "half": good[: len(good) // 2],
            "signature cut": good[:-8], "signature of zeros": f"{head}.{claims}.{'A' * len(signature)}", "signature turned": f"{head}.{claims}.{signature[::-1]}",
            "hmac with the key's PEM": hmac(spki), "hmac with the key's DER": hmac(der), "hmac with nothing": hmac(b""), "hmac with the kid": hmac(kid.encode()),
            "a stranger's key": by(stranger), "a stranger's key in jwk": by(stranger, jwk=json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key()))),
            "a stranger's key set": by(stranger, jku="https://evil.example/keys"), "an unknown kid": by(stranger, kid="nobody"), "a path as kid": by(stranger, kid="../../dev/null"),
            "no kid": jwt.api_jws.encode(json.dumps(said).encode(), stranger, "RS256"), "another hash": by(stranger, "RS512"), "PSS": by(stranger, "PS256"),
            "huge": head + "." + "A" * 9_000 + "." + signature, "crit": by(stranger, crit=["exp"]),
        }  # fmt: skip
        for algorithm in ("none", "None", "NONE", "nOnE", "", "RS256 ", "HS384", "ES256", "EdDSA", "RSA1_5", "dir", None, 7, ["RS256"]):
            forged[f"alg {algorithm!r}"] = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{claims}.{signature}"
            forged[f"alg {algorithm!r}, unsigned"] = f"{part({'alg': algorithm, 'kid': kid})}.{claims}."
        changes = {
            "wrong issuer": {"iss": "https://evil.example"}, "issuer with a slash": {"iss": settings.issuer_url() + "/"}, "no issuer": {"iss": None},
            "wrong audience": {"aud": "another"}, "no audience": {"aud": None}, "audience of others": {"aud": ["a", "b"]}, "audience a number": {"aud": 1},
            "expired": {"exp": now - 3600}, "expired by a little more than the leeway": {"exp": now - 90}, "no expiry": {"exp": None}, "expiry a text": {"exp": "tomorrow"},
            "expiry below zero": {"exp": -1}, "not yet": {"nbf": now + 3600}, "no subject": {"sub": None}, "empty subject": {"sub": ""}, "subject a list": {"sub": ["a"]},
            "no role": {"bellhop_role": None}, "unknown role": {"bellhop_role": "root"}, "role in capitals": {"bellhop_role": "OPERATOR"}, "role a list": {"bellhop_role": ["operator"]},
            "manager of a number": {"bellhop_role": "manager", "bellhop_tenants": 7}, "manager of an object": {"bellhop_role": "manager", "bellhop_tenants": {"a": 1}},
            "manager of what is no id": {"bellhop_role": "manager", "bellhop_tenants": ["a#b"]}, "another client's": {"azp": "another"},
        }  # fmt: skip
        forged |= {name: issuer.token("operator", [], **other) for name, other in changes.items()}
        return forged

    def test_forged_tokens_open_nothing_and_learn_nothing(self):
        forged = self.forged()
        self.assertGreaterEqual(len(forged), 60)
        real = [f"api/tenants/{self.victim.tenant}/dashboard", f"api/desks/{self.victim.tenant}/review/{self.items[0]['id']}"]
        unreal = ["api/tenants/nobody-here/dashboard", f"api/desks/nobody-here/review/r{'0' * 25}"]
        (status, words) = self.ask(real[0])
        self.assertEqual(status, 401)
        for name, token in forged.items():
            with self.subTest(name):
                for path in (real[0], unreal[0], real[1], unreal[1]) if name in ("none", "expired", "a stranger's key") else real[:1]:
                    self.assertEqual(self.ask(path, token), (401, words))
        for name in ("retry", "edit", "discard"):
            self.assertEqual(self.ask(f"{real[1]}/{name}", forged["a stranger's key"], {"reason": "x", "body": "{}"})[0], 401)
        self.assertEqual(len(self.listed(self.victim)), 3)

    def test_an_old_key_is_no_key(self):
        old = issuer.token("operator", [])
        self.assertEqual(self.ask("api/me", old)[0], 200)
        for _ in range(2):
            issuer.rotate()
        new = issuer.token("operator", [])
        # An unknown key makes the function ask the issuer again, at most once in ten seconds.
        harness.wait(lambda: self.ask("api/me", new)[0] == 200, 30, "the new key to be known")
        self.assertEqual(self.ask("api/me", old)[0], 401)

    def test_what_is_another_tenants_is_as_if_it_did_not_exist(self):
        token = issuer.token("manager", [self.attacker.tenant])
        tenant, place, item = self.victim.tenant, self.victim.property, self.items[0]["id"]
        own = self.listed(self.attacker)[0]["id"]
        none = f"r{'0' * 25}"
        pairs = [
            (f"api/tenants/{tenant}/dashboard", "api/tenants/nobody-here/dashboard"),
            (f"api/tenants/{tenant}/holds", "api/tenants/nobody-here/holds"),
            (f"api/tenants/{tenant}/properties/{place}/dashboard", f"api/tenants/{self.attacker.tenant}/properties/nowhere/dashboard"),
            (f"api/tenants/{tenant}/properties/{place}/calendar", f"api/tenants/{self.attacker.tenant}/properties/nowhere/calendar"),
            (f"api/tenants/{tenant}/properties/{place}/board", f"api/tenants/{self.attacker.tenant}/properties/nowhere/board"),
            (f"api/tenants/{self.attacker.tenant}/properties/{place}/calendar", f"api/tenants/{self.attacker.tenant}/properties/nowhere/calendar"),
            (f"api/desks/{tenant}/review", "api/desks/nobody-here/review"),
            (f"api/desks/{tenant}/review/stats", "api/desks/nobody-here/review/stats"),
            (f"api/desks/{tenant}/review/{item}", f"api/desks/nobody-here/review/{item}"),
            (f"api/desks/{self.attacker.tenant}/review/{item}", f"api/desks/{self.attacker.tenant}/review/{none}"),
            (f"api/desks/~/review/{item}", f"api/desks/~/review/{none}"),
            (f"api/desks/{tenant.upper()}/review", "api/desks/%2e%2e/review"),
            (f"api/desks/{tenant}%23/review", "api/desks/a%2fb/review"),
        ]
        for real, unreal in pairs:
            with self.subTest(real):
                answers = [self.ask(path, token) for path in (real, unreal)]
                self.assertEqual(answers[0][0], 404, answers[0])
                self.assertEqual(answers[0], answers[1])
        for act, body in (("retry", {}), ("edit", {"body": "{}"}), ("discard", {"reason": "x"})):
            for desk in (tenant, self.attacker.tenant):
                self.assertEqual(self.ask(f"api/desks/{desk}/review/{item}/{act}", token, body)[0], 404, (desk, act))
        bulk = {"act": "discard", "reason": "x", "ids": [item, own], "dry_run": True}
        self.assertEqual(self.ask(f"api/desks/{tenant}/review/bulk", token, bulk)[0], 404)
        foreign, nothing = (bulk | {"ids": [id, own]} for id in (item, none))
        answers = [self.ask(f"api/desks/{self.attacker.tenant}/review/bulk", token, body) for body in (foreign, nothing)]
        self.assertEqual(answers[0][0], answers[1][0])
        self.assertEqual(answers[0][1].replace(item.encode(), none.encode()), answers[1][1])
        self.assertEqual(self.ask("api/queues", token)[0], 403)
        self.assertEqual(len(self.listed(self.victim)), 3)

    def test_a_foreign_cursor_leads_nowhere(self):
        operator, token = issuer.token("operator", []), issuer.token("manager", [self.attacker.tenant])
        house = House("cursor").register(self.stack)
        house.send(self.stack, *(house.booking(f"b{n}", departure="2031-04-01") for n in range(60)))
        self.stack.drain(60)
        harness.wait(lambda: len(self.listed(house)) == 60, 60, "60 items")
        cursor = json.loads(self.ask(f"api/desks/{house.tenant}/review", operator)[1])["next"]
        self.assertTrue(cursor)
        page = json.loads(self.ask(f"api/desks/{house.tenant}/review?cursor={cursor}", operator)[1])
        self.assertEqual(len(page["items"]), 10)
        for bad in (cursor, cursor[:-2], "AAAA", base64.urlsafe_b64encode(f"{house.tenant}|9".encode()).decode().rstrip("=")):
            status, words = self.ask(f"api/desks/{self.attacker.tenant}/review?cursor={bad}", token)
            self.assertIn(status, (400, 404), bad)
            self.assertNotIn(house.tenant.encode(), words)


if __name__ == "__main__":
    unittest.main()
