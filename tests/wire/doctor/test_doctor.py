# SPDX-License-Identifier: Apache-2.0
"""`holdfast doctor`: a healthy server has nothing that failed; what is broken is named, with the way to mend it; nothing changes."""

import json
import socket

from hfsupport import tokens
from hfsupport.cases import Case, table
from hfsupport.server import ServeServer, run_program

CHECKS_AT_LEAST = 31
GARBAGE = b'{"time":"2026-01-01T00:00:00.0Z"}\n'


def examine(config):
    """Exit code, and the findings as check → [finding]."""
    done = run_program("doctor", "--json", "--config", config)
    report = json.loads(done.stdout)
    findings = {}
    for finding in report["checks"]:
        findings.setdefault(finding["check"], []).append(finding)
    counts = {name: 0 for name in ("ok", "warning", "failed", "not-checked")}
    for finding in report["checks"]:
        counts[finding["result"]] += 1
    assert (counts["failed"], counts["warning"], counts["not-checked"]) == (
        report["failed"], report["warnings"], report["notChecked"]), report
    return done.returncode, findings


def snapshot(folder):
    """What there is, and when it was changed."""
    return {
        str(path): (info.st_mode, info.st_uid, info.st_size, info.st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        for info in [path.lstat()]
    }


class DoctorCase(Case):
    def setUp(self):
        self.server = ServeServer(tokens.Certificates())
        self.addCleanup(self.server.close)

    def results(self, findings, check):
        return {finding["result"] for finding in findings[check]}


class HealthyTest(DoctorCase):
    def test_running_server(self):
        code, findings = examine(self.server.config)
        failed = [finding for group in findings.values() for finding in group if finding["result"] == "failed"]
        self.assertEqual(failed, [])
        self.assertEqual(code, 0)
        self.assertGreaterEqual(len(findings), CHECKS_AT_LEAST)
        for check in ("configuration", "data-folder", "seal", "tls-files", "tls-names", "admin-socket", "server", "audit-log"):
            self.assertEqual(self.results(findings, check), {"ok"}, check)
        self.assertIn(f"process {self.server.process.pid}", findings["server"][0]["found"])
        for finding in (finding for group in findings.values() for finding in group):
            if finding["result"] == "warning":
                self.assertTrue(finding["mend"], finding)

    def test_text_is_the_same_report_without_secrets(self):
        code, findings = examine(self.server.config)
        done = run_program("doctor", "--config", self.server.config)
        self.assertEqual(done.returncode, code)
        self.assertEqual({line.split()[1] for line in done.stdout.splitlines()[:-1] if line[0] != " "}, set(findings))
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ ok, \d+ warnings, 0 failed, \d+ not checked$")
        for name in ("seal.key", "server.key"):
            for line in (self.server.folder / name).read_text().splitlines()[1:-1]:
                self.assertNotIn(line, done.stdout + done.stderr)

    def test_stopped_server_and_nothing_is_changed(self):
        self.server.stop()
        before = snapshot(self.server.folder)
        code, findings = examine(self.server.config)
        self.assertEqual(snapshot(self.server.folder), before)
        self.assertEqual(code, 0, findings)
        self.assertEqual(self.results(findings, "server"), {"not-checked"})
        self.assertEqual(self.results(findings, "process"), {"not-checked"})

    def test_sealed_server_is_told(self):
        self.server.admin.call("POST", "/operator/seal")
        self.server.wait_until_sealed(True)
        code, findings = examine(self.server.config)
        self.assertEqual(self.results(findings, "server"), {"warning"})
        self.assertIn("sealed", findings["server"][0]["found"])
        self.assertEqual(findings["server"][0]["mend"].split()[:3], ["holdfast", "operator", "unseal"])
        self.assertEqual(code, 0, findings)
        done = run_program(*findings["server"][0]["mend"].split()[1:])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.wait_until_sealed(False)
        _, findings = examine(self.server.config)
        self.assertEqual(self.results(findings, "server"), {"ok"})

    def test_backup_is_seen(self):
        _, findings = examine(self.server.config)
        self.assertEqual(self.results(findings, "backups"), {"warning"})
        self.assertEqual(findings["backups"][0]["mend"].split()[:3], ["holdfast", "backup", "create"])
        done = run_program(*findings["backups"][0]["mend"].split()[1:])
        self.assertEqual(done.returncode, 0, done.stderr)
        _, findings = examine(self.server.config)
        self.assertEqual(self.results(findings, "backups"), {"ok"})


def change_config(server, old, new):
    text = server.config.read_text()
    server.config.write_text(text.replace(old, new) if old else text + new + "\n")


def cut_log(server):
    [segment] = (server.data / "audit").glob("audit-*.jsonl")
    segment.write_bytes(GARBAGE)


class BrokenTest(DoctorCase):
    def setUp(self):
        super().setUp()
        self.server.stop()

    @table(
        ("data_gone", lambda s: s.data.rename(s.folder / "moved"), "data-folder", "install -d"),
        ("data_open", lambda s: s.data.chmod(0o777), "data-folder", "chmod 0700"),
        ("not_initialised", lambda s: (s.data / "seal").unlink(), "seal", "holdfast init"),
        ("key_open", lambda s: (s.folder / "seal.key").chmod(0o644), "seal-key", "chmod 0600"),
        ("key_gone", lambda s: (s.folder / "seal.key").unlink(), "seal-key", "0600 COPY"),
        ("kind", lambda s: change_config(s, "", "seal.kind = systemd-credential"), "seal", "seal.kind = key-file"),
        ("log_damaged", cut_log, "audit-log", "audit verify"),
        ("tls_gone", lambda s: (s.folder / "server.pem").unlink(), "tls-files", "setfacl"),
        ("tls_key_open", lambda s: (s.folder / "server.key").chmod(0o646), "tls-files", "chmod go-w,o-rwx"),
        ("tls_mixed_up", lambda s: (s.folder / "server.pem").write_bytes((s.folder / "ca.pem").read_bytes()), "tls-files",
         "tls.certificate ="),
        ("domain", lambda s: change_config(s, "", "domain = example.org"), "tls-names", "*.vault.example.org"),
        ("socket_path", lambda s: change_config(s, "", f"admin.socket = {s.data}/{'x' * 120}"), "admin-socket", "admin.socket ="),
        ("config_open", lambda s: s.config.chmod(0o666), "configuration", "chmod go-w"),
        ("address", lambda s: change_config(s, "127.0.0.1:0", "203.0.113.9:8443"), "listen", "listen ="),
    )
    def test_named_with_its_remedy(self, harm, check, mend):
        harm(self.server)
        code, findings = examine(self.server.config)
        self.assertEqual(code, 1)
        failed = [finding for finding in findings[check] if finding["result"] == "failed"]
        self.assertTrue(failed, findings[check])
        self.assertIn(mend, failed[0]["mend"])

    def test_port_of_another_process(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            change_config(self.server, "127.0.0.1:0", f"127.0.0.1:{other.getsockname()[1]}")
            code, findings = examine(self.server.config)
        self.assertEqual((code, self.results(findings, "listen")), (1, {"failed"}))
        self.assertIn("ss -ltnp", findings["listen"][0]["mend"])

    def test_configuration_without_sense(self):
        change_config(self.server, "", "no.such.setting = 1")
        code, findings = examine(self.server.config)
        self.assertEqual((code, self.results(findings, "configuration")), (1, {"failed"}))
        self.assertIn("no.such.setting", findings["configuration"][0]["found"])
        self.assertEqual(self.results(findings, "seal"), {"not-checked"})


class UsageTest(Case):
    @table(("option", "--no-such-option"), ("argument", "now"), ("without_value", "--config"))
    def test_refused(self, argument):
        self.assertEqual(run_program("doctor", argument).returncode, 2)

    def test_no_configuration(self):
        code, findings = examine("/nonexistent/holdfast.conf")
        self.assertEqual(code, 1)
        self.assertIn("not found", findings["configuration"][0]["found"])
