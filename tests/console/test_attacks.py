"""Somebody who wants what is not theirs, over plain HTTP: with tokens that nobody gave them, and with addresses that they guess."""

import re
import secrets
import unittest
from urllib.parse import quote

import console
import harness
from bellhop_cloud import settings
from bellhop_cloud.issuer import Issuer
from bellhop_cloud.signing import KeyRing, Person, claims
from console import call, fresh
from forge import Forger

LEAST_FORGED = 60
NEW_KEY_SECONDS = 30  # the issuer is asked again for a key that is not known, at most every ten seconds


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house, cls.item = console.with_bad_booking("forged")
        cls.forger = Forger(KeyRing().signer(), "manager", cls.house.tenant)
        desk = f"api/desks/{cls.house.tenant}/review"
        made_up = cls.item["id"][:-6] + secrets.token_hex(3)
        cls.paths = ("api/me", f"{desk}/{cls.item['id']}", f"{desk}/{made_up}", "api/desks/nobody-here/review", "api/queues")

    def test_a_good_one_opens_what_is_theirs(self):
        """Else nothing below would say anything."""
        self.assertEqual([call(path, self.forger.good()).status for path in self.paths], [200, 200, 404, 404, 403])

    def test_forged_ones_open_nothing_and_tell_nothing(self):
        forged = list(self.forger.all())
        self.assertGreaterEqual(len(forged), LEAST_FORGED)
        self.assertEqual(len({name for name, _ in forged}), len(forged))
        harness.say(f"{len(forged)} forged tokens")
        nobody = call("api/me")
        self.assertEqual((nobody.status, nobody.code, nobody.headers["WWW-Authenticate"]), (401, "unauthorized", "Bearer"))
        for name, token in forged:
            with self.subTest(token=name):
                for path in self.paths:
                    answer = call(path, token)
                    self.assertEqual((answer.status, answer.body), (401, nobody.body), path)
        act = call(f"api/desks/{self.house.tenant}/review/{self.item['id']}/discard", forged[0][1], {"reason": "r"})
        self.assertEqual((act.status, console.stats(self.house.tenant)["open"]), (401, 1))
        signatures = {part for _, token in forged for part in token.split(".")[2:3] if len(part) > 40}
        written = console.log()
        self.assertIn('"denied"', written)
        self.assertFalse([part for part in signatures if part in written], "no token is in the log")

    def test_other_schemes_open_nothing(self):
        good = self.forger.good()
        for header in (good, f"Basic {good}", f"Token {good}", f"Bearer{good}", f"Bearer: {good}", "Bearer", "", f"Bearer {good},Bearer {good}"):
            with self.subTest(header=header[:8]):
                self.assertEqual(call("api/me", headers={"Authorization": header}).status, 401)
        for name in ("X-Authorization", "Cookie", "X-Forwarded-Authorization"):
            self.assertEqual(call("api/me", headers={name: f"Bearer {good}"}).status, 401, name)
        self.assertEqual(call(f"api/me?access_token={good}").status, 401)

    def test_a_key_that_was_given_up_opens_nothing(self):
        """At an issuer of this test's own, so that nobody else is signed out."""
        stack, directory = console.stack(), settings.RUN / f"issuer-{secrets.token_hex(3)}"
        with Issuer(file=directory / "keys.pem").in_background() as issuer:
            self.addCleanup(lambda: [file.unlink() for file in directory.iterdir()] and directory.rmdir())
            before = self.variables()
            self.addCleanup(self.configure, before)
            self.configure(before | {"OIDC_ISSUER": issuer.url})

            def token() -> str:
                return issuer.ring.signer().sign(claims(issuer.url, Person.of("operator")) | {"sub": secrets.token_hex(6)})

            first = token()
            self.assertEqual(call("api/me", first).status, 200)
            issuer.ring.rotate()
            second = token()
            harness.wait(lambda: call("api/me", second).status == 200, NEW_KEY_SECONDS, "the second key to be known")
            self.assertEqual(call("api/me", first).status, 200, "the first one is still published")
            issuer.ring.rotate()
            third = token()
            harness.wait(lambda: call("api/me", third).status == 200, NEW_KEY_SECONDS, "the third key to be known")
            # What was published is good for ten minutes more in a process that has not asked since: these have.
            self.configure(before | {"OIDC_ISSUER": issuer.url, "LOG_LEVEL": "debug"})
            self.assertEqual([call("api/me", one).status for one in (first, second, third)], [401, 200, 200])
            self.assertEqual(call("api/me", fresh("operator")).status, 401, "another issuer's")
        self.assertTrue(stack)

    def variables(self) -> dict:
        stack = console.stack()
        return stack.functions.get_function_configuration(FunctionName=stack.function("console"))["Environment"]["Variables"]

    def configure(self, variables: dict):
        stack = console.stack()
        name = stack.function("console")
        stack.functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

        def updated():
            found = stack.functions.get_function_configuration(FunctionName=name)
            return found["State"] == "Active" and found["LastUpdateStatus"] == "Successful"

        harness.wait(updated, 60, "the console to take its new environment")


class Reach(unittest.TestCase):
    """A manager and a viewer of one tenant, who know every id of another."""

    @classmethod
    def setUpClass(cls):
        cls.ours, cls.our_item = console.with_bad_booking("reach")
        cls.theirs, cls.their_item = console.with_bad_booking("victim")
        cls.bearers = {role: fresh(role, cls.ours.tenant) for role in ("manager", "viewer")}
        cls.nothing = call("api/tenants/nobody-here/dashboard", cls.bearers["manager"])

    def check_nothing(self, path: str, body: dict | None = None, method: str | None = None):
        for role in self.bearers:
            with self.subTest(role=role, path=path, method=method):
                answer = call(path, fresh(role, self.ours.tenant), body, method)
                self.assertEqual((answer.status, answer.body), (404, self.nothing.body))

    def test_what_is_not_there_is_404(self):
        self.assertEqual((self.nothing.status, self.nothing.code), (404, "not-found"))
        for role, bearer in self.bearers.items():
            own = f"api/tenants/{self.ours.tenant}/properties/{self.ours.property}"
            for path in (f"{own}/calendar", f"{own}/dashboard", f"api/desks/{self.ours.tenant}/review/{self.our_item['id']}"):
                self.assertEqual(call(path, bearer).status, 200, f"{role}: {path}")

    def test_pages_of_another_tenant_are_as_those_of_none(self):
        for tenant, house in ((self.theirs.tenant, self.theirs.property), ("nobody-here", "nothing")):
            for rest in ("dashboard", "holds", *(f"properties/{house}/{view}" for view in ("dashboard", "calendar", "calendar?month=2031-05", "board", "channels"))):
                self.check_nothing(f"api/tenants/{tenant}/{rest}")

    def test_another_tenants_property_is_not_ours_by_our_address(self):
        for house in (self.theirs.property, "nothing"):
            for view in ("dashboard", "calendar", "board", "channels"):
                self.check_nothing(f"api/tenants/{self.ours.tenant}/properties/{house}/{view}")

    def test_items_of_another_tenant_are_as_those_of_none(self):
        theirs, ours, item = self.theirs.tenant, self.ours.tenant, self.their_item["id"]
        made_up = item[:-6] + secrets.token_hex(3)
        for desk in (theirs, "~", "nobody-here"):
            self.check_nothing(f"api/desks/{desk}/review")
            self.check_nothing(f"api/desks/{desk}/review/stats")
        for desk, id_ in ((theirs, item), (ours, item), (ours, made_up), ("~", item), (theirs, made_up), (theirs, self.our_item["id"])):
            self.check_nothing(f"api/desks/{desk}/review/{id_}")

    def test_acts_on_another_tenants_items_do_nothing(self):
        theirs, ours, item = self.theirs.tenant, self.ours.tenant, self.their_item["id"]
        acts = {"retry": {}, "edit": {"body": "{}"}, "discard": {"reason": "r"}}
        manager = lambda: fresh("manager", ours)  # noqa: E731
        for desk in (theirs, ours, "~", "nobody-here"):
            for act, body in acts.items():
                with self.subTest(desk=desk, act=act):
                    answer = call(f"api/desks/{desk}/review/{item}/{act}", manager(), body)
                    self.assertEqual((answer.status, answer.body), (404, self.nothing.body))
        for desk in (theirs, "~", "nobody-here"):
            self.check_nothing(f"api/desks/{desk}/review/bulk", {"act": "discard", "reason": "r", "dry_run": False})
            self.check_nothing(f"api/desks/{desk}/review/check", {"queue": self.their_item["queue"], "body": "{}"})
        told = []
        for id_ in (item, item[:-6] + secrets.token_hex(3)):
            answer = call(f"api/desks/{ours}/review/bulk", manager(), {"act": "discard", "reason": "r", "ids": [id_], "dry_run": False})
            self.assertEqual((answer.status, answer.json["done"]), (200, []))
            told.append(answer.body.replace(id_.encode(), b"ID"))
        self.assertEqual(*told)
        self.assertEqual((console.stats(theirs)["open"], console.stats(ours)["open"]), (1, 1))

    def test_a_cursor_of_another_desk_leads_nowhere(self):
        busy = console.House("cursor").register(console.stack())
        busy.send(console.stack(), *(busy.booking(f"b{n}", departure="2031-04-01") for n in range(60)))
        console.stack().drain(console.WAIT_SECONDS)
        console.items(busy.tenant, 60)
        cursor = call(f"api/desks/{busy.tenant}/review", fresh("operator")).json["next"]
        own = call(f"api/desks/{busy.tenant}/review?cursor={quote(cursor)}", fresh("manager", busy.tenant))
        self.assertEqual((own.status, len(own.json["items"])), (200, 10))
        for given in (cursor, cursor[:-2], "AAAA", "%00", secrets.token_urlsafe(30)):
            self.check_nothing(f"api/desks/{self.ours.tenant}/review?cursor={quote(given)}")
            self.check_nothing(f"api/desks/{busy.tenant}/review?cursor={quote(given)}")
        bulk = call(f"api/desks/{self.ours.tenant}/review/bulk", fresh("manager", self.ours.tenant), {"act": "retry", "dry_run": True, "cursor": cursor})
        self.assertEqual((bulk.status, bulk.body), (404, self.nothing.body))

    def test_lists_name_what_is_theirs_alone(self):
        for role in self.bearers:
            for query in ("", f"?q={self.theirs.tenant}", "?q=t-", f"?after={self.theirs.tenant[:-1]}"):
                answer = call(f"api/tenants{query}", fresh(role, self.ours.tenant))
                self.assertEqual(answer.status, 200)
                self.assertNotIn(self.theirs.tenant, answer.body.decode())
            self.assertEqual(call("api/me", fresh(role, self.ours.tenant)).json["tenants"], [self.ours.tenant])
            holds = call(f"api/tenants/{self.ours.tenant}/holds", fresh(role, self.ours.tenant))
            self.assertEqual({hold["group"] for hold in holds.json["holds"]}, {self.ours.group})
            self.assertNotIn(self.theirs.tenant, holds.body.decode())

    def test_twisted_addresses_lead_nowhere(self):
        theirs, ours = self.theirs.tenant, self.ours.tenant
        twisted = (
            f"{ours}/../{theirs}", f"{ours}%2F..%2F{theirs}", f"%2e%2e/{theirs}", f"./{theirs}", f"{ours}//{theirs}", f"{ours},{theirs}",
            f"{ours} {theirs}".replace(" ", "%20"), f"{theirs}%00", f"{ours}%00{theirs}", theirs.upper(), f"%20{theirs}", f"{theirs}%20", f"{ours}%23{theirs}",
            f"{ours}%0a{theirs}", "*", "%25", "..", "~", f"{theirs};{ours}", f"{theirs}?tenant={ours}", f"{ours}%3F", "".join(f"%{ord(c):02x}" for c in theirs),
        )  # fmt: skip
        marks = [text.encode() for text in (theirs, self.theirs.property, self.their_item["id"])]
        for name in twisted:
            for path in (f"api/tenants/{name}/dashboard", f"api/desks/{name}/review", f"api/tenants/{name}/holds"):
                for role in self.bearers:
                    with self.subTest(path=path, role=role):
                        answer = call(path, fresh(role, ours))
                        self.assertEqual(answer.status, 404)
                        self.assertFalse([mark for mark in marks if mark in answer.body])

    def test_other_methods_and_headers_change_nothing(self):
        theirs, ours = self.theirs.tenant, self.ours.tenant
        path = f"api/tenants/{theirs}/dashboard"
        for method in ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            with self.subTest(method=method):
                answers = [call(f"api/tenants/{tenant}/dashboard", fresh("manager", ours), method=method) for tenant in (theirs, "nobody-here")]
                self.assertIn(answers[0].status, (204, 404, 405, 501))
                self.assertEqual((answers[0].status, answers[0].body), (answers[1].status, answers[1].body))
        for name, value in (
            ("X-Original-URL", f"/{path}"), ("X-Rewrite-URL", f"/{path}"), ("X-HTTP-Method-Override", "GET"), ("X-Forwarded-For", "127.0.0.1"),
            ("X-Bellhop-Role", "operator"), ("X-Tenant", theirs), ("If-None-Match", "*"),
        ):  # fmt: skip
            answer = call(path, fresh("manager", ours), headers={name: value})
            self.assertEqual((answer.status, answer.body), (404, self.nothing.body), name)

    def test_answers_are_kept_by_nobody_and_run_nothing(self):
        for path, bearer in (("", None), ("api/me", self.bearers["manager"]), ("api/me", None), ("api/nothing", None)):
            answer = call(path, bearer)
            policy = answer.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self';", policy)
            self.assertTrue(re.search(rf"connect-src 'self' {re.escape(settings.issuer())};", policy), policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual((answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]), ("nosniff", "no-referrer"))
            self.assertIsNone(answer.headers["Set-Cookie"])
            if path:
                self.assertEqual(answer.headers["Cache-Control"], "no-store")


if __name__ == "__main__":
    unittest.main()
