# SPDX-License-Identifier: Apache-2.0
"""Lists: items, pages, links, and paging tokens that are not ours."""

import re
import urllib.parse

from hfsupport.cases import table
from hfsupport.client import Caller
from shared import WireCase, fresh_name

COUNT = 30


class ListCase(WireCase):
    """A vault of its own with thirty secrets, thirty deleted ones and one with thirty versions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name = fresh_name("lists")
        cls.server.admin.vault(cls.name)
        cls.caller = Caller(cls.server, fresh_name("lister"))
        cls.caller.assign("Key Vault Secrets Officer", cls.name)
        cls.client = cls.caller.client(cls.name)
        cls.base = f"https://{cls.name}.vault.localhost:{cls.server.port}"
        for number in range(COUNT):
            cls.client.put(
                f"/secrets/s-{number:02}", {"value": "v", "contentType": f"type {number}", "tags": {"n": str(number)}}
            )
            cls.client.put(f"/secrets/d-{number:02}", {"value": "v"})
            cls.client.delete(f"/secrets/d-{number:02}")
            cls.client.put("/secrets/versions", {"value": str(number)})
        cls.names = {f"s-{number:02}" for number in range(COUNT)} | {"versions"}

    def page(self, path, client=None, **query):
        answer = (client or self.client).get(path, **query)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(set(answer.json), {"value", "nextLink"})
        return answer.json

    def follow(self, link):
        parts = urllib.parse.urlsplit(link)
        answer = self.client.send("GET", f"{parts.path}?{parts.query}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def pages(self, path, **query):
        page = self.page(path, **query)
        yield page["value"]
        while page["nextLink"]:
            page = self.follow(page["nextLink"])
            yield page["value"]

    def token(self, path, client=None):
        link = self.page(path, client, maxresults=2)["nextLink"]
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))["$skiptoken"]


def names_of(items):
    return [item["id"].split("/")[4] for item in items]


class PagesTest(ListCase):
    @table(
        ("default", {}, 25),
        ("one", {"maxresults": 1}, 1),
        ("seven", {"maxresults": 7}, 7),
        ("largest", {"maxresults": 25}, 25),
    )
    def test_secrets(self, query, size):
        pages = list(self.pages("/secrets", **query))
        self.assertEqual({len(page) for page in pages[:-1]}, {size})
        names = [name for page in pages for name in names_of(page)]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(set(names), self.names)
        self.assertEqual(names, sorted(names))

    @table(("default", {}), ("four", {"maxresults": 4}))
    def test_deleted(self, query):
        items = [item for page in self.pages("/deletedsecrets", **query) for item in page]
        self.assertEqual(
            sorted(item["recoveryId"].split("/")[4] for item in items), [f"d-{number:02}" for number in range(COUNT)]
        )

    @table(("default", {}), ("four", {"maxresults": 4}))
    def test_versions(self, query):
        ids = [item["id"] for page in self.pages("/secrets/versions/versions", **query) for item in page]
        self.assertEqual(len(set(ids)), COUNT)
        self.assertEqual(ids, sorted(ids))

    def test_next_link_form(self):
        link = self.page("/secrets", maxresults=3, version="7.4")["nextLink"]
        self.assertRegex(
            link, "^" + re.escape(f"{self.base}/secrets?api-version=7.4&$skiptoken=") + r"[0-9A-Za-z_-]+&maxresults=3$"
        )

    def test_next_link_of_versions(self):
        link = self.page("/secrets/versions/versions", maxresults=3)["nextLink"]
        self.assertTrue(
            link.startswith(f"{self.base}/secrets/versions/versions?api-version=2026-04-01&$skiptoken="), link
        )

    def test_skiptoken_may_be_encoded(self):
        token = self.token("/secrets")
        answer = self.client.send("GET", f"/secrets?api-version=7.4&%24skiptoken={token}&maxresults=2")
        self.assertEqual(names_of(self.assert_ok(answer)["value"]), ["s-02", "s-03"])

    def test_token_is_opaque(self):
        self.assertNotIn("s-0", self.token("/secrets"))

    def test_unknown_secret_has_no_versions(self):
        self.assertEqual(self.page("/secrets/none/versions"), {"value": [], "nextLink": None})

    def test_empty_vault(self):
        name = fresh_name("empty")
        self.server.admin.vault(name)
        self.caller.assign("Key Vault Reader", name)
        for path in ("/secrets", "/deletedsecrets"):
            self.assertEqual(self.page(path, self.caller.client(name)), {"value": [], "nextLink": None})

    def test_last_page_is_exactly_full(self):
        pages = list(self.pages("/secrets/versions/versions", maxresults=15))
        self.assertEqual(sum(len(page) for page in pages), COUNT)
        self.assertIn([len(page) for page in pages], ([15, 15], [15, 15, 0]))

    def test_changes_between_pages(self):
        name = fresh_name("moving")
        self.server.admin.vault(name)
        self.caller.assign("Key Vault Secrets Officer", name)
        client = self.caller.client(name)
        for letter in "bcdefghij":
            self.set_secret(letter, client=client)
        first = self.page("/secrets", client, maxresults=3)
        self.assertEqual(names_of(first["value"]), ["b", "c", "d"])
        client.delete("/secrets/d")
        client.delete("/secrets/b")
        client.delete("/secrets/e")
        self.set_secret("a", client=client)
        self.set_secret("dd", client=client)
        parts = urllib.parse.urlsplit(first["nextLink"])
        rest = self.assert_ok(client.send("GET", f"{parts.path}?{parts.query}"))
        self.assertEqual(names_of(rest["value"]), ["dd", "f", "g"])


class ItemsTest(ListCase):
    def test_secret_item(self):
        item = self.page("/secrets", maxresults=1)["value"][0]
        self.assertEqual(set(item), {"id", "attributes", "contentType", "tags"})
        self.assertEqual(item["id"], f"{self.base}/secrets/s-00")
        self.assertEqual((item["contentType"], item["tags"]), ("type 0", {"n": "0"}))
        self.assertEqual(set(item["attributes"]), {"enabled", "created", "updated", "recoveryLevel", "recoverableDays"})

    def test_version_item(self):
        item = self.page("/secrets/s-01/versions")["value"][0]
        self.assertRegex(item["id"], "^" + re.escape(f"{self.base}/secrets/s-01/") + "[0-9a-f]{32}$")
        self.assertNotIn("value", item)

    def test_deleted_item(self):
        item = self.page("/deletedsecrets", maxresults=1)["value"][0]
        self.assertEqual(set(item), {"id", "attributes", "recoveryId", "deletedDate", "scheduledPurgeDate"})
        self.assertEqual(item["id"], f"{self.base}/secrets/d-00")
        self.assertEqual(item["recoveryId"], f"{self.base}/deletedsecrets/d-00")
        self.assertEqual(item["scheduledPurgeDate"] - item["deletedDate"], 90 * 86400)

    def test_item_shows_the_newest_version(self):
        self.client.put("/secrets/s-02", {"value": "v", "contentType": "newer", "attributes": {"enabled": False}})
        item = next(item for page in self.pages("/secrets") for item in page if item["id"].endswith("/s-02"))
        self.assertEqual((item["contentType"], item["attributes"]["enabled"]), ("newer", False))


class BadPagingTest(ListCase):
    @table(
        *(
            (str(number), value)
            for number, value in enumerate(
                ("0", "26", "abc", "-1", "1.5", "", " 5", "5 ", "0x5", "99999999999999999999", "1e1", "+5", "٣")
            )
        )
    )
    def test_maxresults(self, value):
        for path in ("/secrets", "/deletedsecrets", "/secrets/versions/versions"):
            answer = self.client.get(path, maxresults=value)
            self.assertEqual((answer.status, answer.code), (400, "BadParameter"), answer)

    def refused(self, path, token, client=None):
        answer = (client or self.client).get(path, __skiptoken=token)
        self.assertEqual((answer.status, answer.code), (400, "BadParameter"), answer)

    @table(
        ("text", "hello"),
        ("empty", ""),
        ("azure", "eyJOZXh0TWFya2VyIjoiMiE4OCEiLCJUYXJnZXRMb2NhdGlvbiI6MH0"),
        ("offset", "25"),
        ("long", "A" * 3000),
        ("not_base64", "!!!"),
        ("zeros", "A" * 64),
    )
    def test_garbage(self, token):
        for path in ("/secrets", "/deletedsecrets", "/secrets/versions/versions"):
            self.refused(path, token)

    def test_tampered_anywhere(self):
        token = self.token("/secrets")
        for at in range(len(token)):
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            if at == len(token) - 1:
                continue
            self.refused("/secrets", changed)

    def test_cut(self):
        token = self.token("/secrets")
        for length in range(1, len(token), 5):
            self.refused("/secrets", token[:length])

    @table(
        ("deleted_for_secrets", "/deletedsecrets", "/secrets"),
        ("secrets_for_deleted", "/secrets", "/deletedsecrets"),
        ("secrets_for_versions", "/secrets", "/secrets/versions/versions"),
        ("versions_for_secrets", "/secrets/versions/versions", "/secrets"),
        ("versions_of_another", "/secrets/versions/versions", "/secrets/s-00/versions"),
    )
    def test_from_another_list(self, source, target):
        self.refused(target, self.token(source))

    def test_from_another_vault(self):
        name = fresh_name("twin")
        self.server.admin.vault(name)
        self.caller.assign("Key Vault Secrets Officer", name)
        client = self.caller.client(name)
        for letter in "abc":
            self.set_secret(letter, client=client)
        self.refused("/secrets", self.token("/secrets", client))
        self.refused("/secrets", self.token("/secrets"), client)

    def test_bad_escapes_in_the_query(self):
        for query in ("api-version=7.4&%zz=1", "api-version=7.4&maxresults=%zz", "api-version=7.4&$skiptoken=%"):
            answer = self.client.send("GET", f"/secrets?{query}")
            self.assertEqual(answer.status, 400, (query, answer))
            self.assertEqual(answer.code, "BadParameter")
