// SPDX-License-Identifier: Apache-2.0
// Every operation on secrets through @azure/keyvault-secrets, with both ways to a token and several api-versions. No client
// option but trust in the CA and, for the client secret, the authority host and switched-off instance discovery.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { ClientCertificateCredential, ClientSecretCredential, DefaultAzureCredential } = require("@azure/identity");
const { SecretClient } = require("@azure/keyvault-secrets");

const env = process.env;
const url = env.AZURE_KEYVAULT_URL;
const authority = { authorityHost: env.HOLDFAST_AUTHORITY_HOST, disableInstanceDiscovery: true };
const future = new Date("2035-01-02T03:04:05Z");
const past = new Date("2020-01-02T03:04:05Z");
const polling = { intervalInMs: 50 };

let number = 0;
const freshName = () => `javascript-${process.pid}-${number++}`;

const secretCredential = (changes = {}) =>
  new ClientSecretCredential(
    env.HOLDFAST_TENANT_ID,
    changes.clientId ?? env.HOLDFAST_CLIENT_ID,
    changes.clientSecret ?? env.HOLDFAST_CLIENT_SECRET,
    authority,
  );

// The local administration socket.
function admin(method, target, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { socketPath: env.HOLDFAST_ADMIN_SOCKET, method, path: target, headers: { "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () =>
          response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`${response.statusCode} ${text}`)),
        );
      },
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function collect(iterator) {
  const items = [];
  for await (const item of iterator) items.push(item);
  return items;
}

const refused = (statusCode, code, inner) => (error) => {
  assert.equal(error.statusCode, statusCode, error.message);
  assert.equal(error.code, code);
  if (inner !== undefined) {
    const details = error.details?.error ?? JSON.parse(error.response.bodyAsText).error;
    assert.equal((details.innererror ?? details.innerError)?.code, inner);
  }
  return true;
};

async function removeForGood(client, name) {
  await (await client.beginDeleteSecret(name, polling)).pollUntilDone();
  await client.purgeDeletedSecret(name);
}

const operations = {
  async "set and get"(client) {
    const name = freshName();
    const made = await client.setSecret(name, "value", {
      tags: { a: "1" },
      contentType: "text/plain",
      enabled: true,
      notBefore: past,
      expiresOn: future,
    });
    const got = await client.getSecret(name);
    for (const secret of [made, got]) {
      const properties = secret.properties;
      assert.equal(secret.name, name);
      assert.equal(secret.value, "value");
      assert.deepEqual(properties.tags, { a: "1" });
      assert.equal(properties.contentType, "text/plain");
      assert.equal(properties.enabled, true);
      assert.deepEqual([properties.notBefore, properties.expiresOn], [past, future]);
      assert.deepEqual([properties.recoverableDays, properties.recoveryLevel], [90, "Recoverable+Purgeable"]);
      assert.equal(properties.vaultUrl, url);
      assert.match(properties.version, /^[0-9a-f]{32}$/);
      assert.ok(Math.abs(properties.createdOn - Date.now()) < 600000);
    }
    assert.equal(made.properties.id, got.properties.id);
  },

  async "versions"(client) {
    const name = freshName();
    const versions = [];
    for (let i = 0; i < 3; i++) versions.push((await client.setSecret(name, String(i))).properties.version);
    assert.equal((await client.getSecret(name)).value, "2");
    for (const [i, version] of versions.entries())
      assert.equal((await client.getSecret(name, { version })).value, String(i));
    const listed = await collect(client.listPropertiesOfSecretVersions(name));
    assert.deepEqual(listed.map((item) => item.version).sort(), [...versions].sort());
    assert.deepEqual(await collect(client.listPropertiesOfSecretVersions("none")), []);
  },

  async "update"(client) {
    const name = freshName();
    const { version } = (await client.setSecret(name, "value", { tags: { a: "1" }, contentType: "x" })).properties;
    let updated = await client.updateSecretProperties(name, version, { contentType: "y", expiresOn: future });
    assert.deepEqual([updated.contentType, updated.tags, updated.expiresOn], ["y", { a: "1" }, future]);
    updated = await client.updateSecretProperties(name, "", { tags: { b: "2" }, enabled: true, notBefore: past });
    assert.deepEqual([updated.contentType, updated.tags, updated.version, updated.notBefore], ["y", { b: "2" }, version, past]);
    assert.equal((await client.getSecret(name)).value, "value");
  },

  async "list in pages"(client) {
    const names = new Set();
    for (let i = 0; i < 27; i++) names.add((await client.setSecret(freshName(), "v")).name);
    const listed = (await collect(client.listPropertiesOfSecrets())).map((item) => item.name);
    assert.equal(new Set(listed).size, listed.length);
    for (const name of names) assert.ok(listed.includes(name), name);
    const pages = await collect(client.listPropertiesOfSecrets().byPage({ maxPageSize: 10 }));
    assert.ok(pages.slice(0, -1).every((page) => page.length === 10));
    assert.deepEqual(pages.flat().map((item) => item.name), listed);
  },

  async "versions and deleted secrets in pages"(client) {
    const name = freshName();
    for (let i = 0; i < 26; i++) await client.setSecret(name, String(i));
    const pages = await collect(client.listPropertiesOfSecretVersions(name).byPage({ maxPageSize: 7 }));
    assert.deepEqual(pages.map((page) => page.length), [7, 7, 7, 5]);
    const names = [];
    for (let i = 0; i < 5; i++) {
      names.push(freshName());
      await client.setSecret(names[i], "v");
      await (await client.beginDeleteSecret(names[i], polling)).pollUntilDone();
    }
    const deleted = (await collect(client.listDeletedSecrets().byPage({ maxPageSize: 2 }))).flat();
    for (const item of names) assert.ok(deleted.some((secret) => secret.name === item), item);
  },

  async "delete, recover, purge"(client) {
    const name = freshName();
    const { version } = (await client.setSecret(name, "value")).properties;
    const deleter = await client.beginDeleteSecret(name, polling);
    const deleted = await deleter.pollUntilDone();
    assert.equal(deleted.name, name);
    assert.equal(deleted.properties.recoveryId, `${url}/deletedsecrets/${name}`);
    assert.equal((deleted.properties.scheduledPurgeDate - deleted.properties.deletedOn) / 86400000, 90);
    assert.equal((await client.getDeletedSecret(name)).name, name);
    assert.ok((await collect(client.listDeletedSecrets())).some((item) => item.name === name));
    await assert.rejects(client.setSecret(name, "again"), refused(409, "Conflict", "ObjectIsDeletedButRecoverable"));
    const recovered = await (await client.beginRecoverDeletedSecret(name, polling)).pollUntilDone();
    assert.equal(recovered.version, version);
    assert.equal((await client.getSecret(name)).value, "value");
    await removeForGood(client, name);
    await assert.rejects(client.getDeletedSecret(name), refused(404, "SecretNotFound"));
    await client.setSecret(name, "again");
    assert.equal((await collect(client.listPropertiesOfSecretVersions(name))).length, 1);
  },

  async "backup and restore"(client) {
    const name = freshName();
    const versions = [];
    for (let i = 0; i < 2; i++) versions.push((await client.setSecret(name, String(i))).properties.version);
    const blob = await client.backupSecret(name);
    assert.ok(blob instanceof Uint8Array);
    await assert.rejects(client.restoreSecretBackup(blob), refused(409, "Conflict"));
    await removeForGood(client, name);
    const restored = await client.restoreSecretBackup(blob);
    assert.deepEqual([restored.name, restored.version], [name, versions[1]]);
    for (const [i, version] of versions.entries())
      assert.equal((await client.getSecret(name, { version })).value, String(i));
    await assert.rejects(client.restoreSecretBackup(new Uint8Array([1, 2, 3])), refused(400, "BadParameter"));
  },

  async "disabled"(client) {
    const name = freshName();
    await client.setSecret(name, "value", { enabled: false });
    await assert.rejects(client.getSecret(name), refused(403, "Forbidden", "SecretDisabled"));
    const [item] = await collect(client.listPropertiesOfSecretVersions(name));
    assert.equal(item.enabled, false);
    await client.updateSecretProperties(name, "", { enabled: true });
    assert.equal((await client.getSecret(name)).value, "value");
  },

  async "not found"(client) {
    const notFound = refused(404, "SecretNotFound");
    await assert.rejects(client.getSecret("none"), notFound);
    await assert.rejects(client.getSecret("none", { version: "0".repeat(32) }), notFound);
    await assert.rejects(client.getDeletedSecret("none"), notFound);
    await assert.rejects(client.purgeDeletedSecret("none"), notFound);
    await assert.rejects(client.backupSecret("none"), notFound);
    await assert.rejects(client.updateSecretProperties("none", "", { enabled: true }), notFound);
    await assert.rejects(client.beginDeleteSecret("none", polling), notFound);
    await assert.rejects(client.beginRecoverDeletedSecret("none", polling), notFound);
  },

  async "invalid"(client) {
    const invalid = refused(400, "BadParameter");
    await assert.rejects(client.setSecret("a_b", "v"), invalid);
    await assert.rejects(client.setSecret(freshName(), "x".repeat(25601)), invalid);
    await assert.rejects(client.setSecret(freshName(), "v", { notBefore: future, expiresOn: past }), invalid);
  },

  async "values of all kinds"(client) {
    for (const value of ["", " ", "äöü€😀\n\t\"\\", "x".repeat(25600)]) {
      const name = freshName();
      await client.setSecret(name, value);
      assert.equal((await client.getSecret(name)).value, value);
    }
  },

  async "many at once on a fresh client"(client, fresh) {
    const other = fresh();
    const names = Array.from({ length: 10 }, freshName);
    await Promise.all(names.map((name) => other.setSecret(name, name)));
    const values = await Promise.all(names.map(async (name) => (await client.getSecret(name)).value));
    assert.deepEqual(values, names);
  },
};

const variants = [
  ["DefaultAzureCredential", () => new SecretClient(url, new DefaultAzureCredential())],
  ["ClientSecretCredential", () => new SecretClient(url, secretCredential())],
  ...["7.5", "7.6", "2025-07-01"].map((serviceVersion) => [
    `serviceVersion ${serviceVersion}`,
    () => new SecretClient(url, secretCredential(), { serviceVersion }),
  ]),
];

for (const [variant, fresh] of variants) {
  const client = fresh();
  for (const [name, operation] of Object.entries(operations)) test(`${variant}: ${name}`, () => operation(client, fresh));
}

async function newIdentity() {
  const identity = await admin("POST", "/identities", { name: freshName(), kind: "application" });
  const path = `/identities/${identity.objectId}/credentials`;
  const { secret } = await admin("POST", path, { kind: "client-secret" });
  return { ...identity, clientSecret: secret, credentials: path };
}

test("ClientCertificateCredential", async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-wire-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const [key, certificate] = ["key.pem", "certificate.pem"].map((file) => path.join(folder, file));
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=test"], { stdio: "ignore" });
  const identity = await newIdentity();
  await admin("POST", identity.credentials, { kind: "certificate", certificate: fs.readFileSync(certificate, "utf8") });
  await admin("POST", "/assignments", { principal: identity.objectId, role: "Key Vault Secrets Officer", scope: "dev" });
  const both = path.join(folder, "both.pem");
  fs.writeFileSync(both, fs.readFileSync(key, "utf8") + fs.readFileSync(certificate, "utf8"));
  for (const sendCertificateChain of [false, true]) {
    const credential = new ClientCertificateCredential(env.HOLDFAST_TENANT_ID, identity.clientId, { certificatePath: both }, { ...authority, sendCertificateChain });
    const client = new SecretClient(url, credential);
    const name = freshName();
    await client.setSecret(name, "by certificate");
    assert.equal((await client.getSecret(name)).value, "by certificate");
  }
});

test("a wrong client secret", async () => {
  const client = new SecretClient(url, secretCredential({ clientSecret: "wrong" }));
  await assert.rejects(client.getSecret("x"), /invalid_client: .*AADSTS7000215/s);
});

test("an identity without a role", async () => {
  const identity = await newIdentity();
  const client = new SecretClient(url, secretCredential(identity));
  await assert.rejects(client.getSecret("x"), refused(403, "Forbidden", "ForbiddenByRbac"));
  await admin("POST", "/assignments", { principal: identity.objectId, role: "Key Vault Secrets Officer", scope: "dev" });
  await client.setSecret("x", "now it may");
});

test("another vault: refused without a role, its own recovery level with one", async () => {
  const vault = `short-${process.pid}`;
  const { url: other } = await admin("PUT", `/vaults/${vault}`, { retentionDays: 7, purgeProtection: true });
  const client = new SecretClient(other, secretCredential());
  await assert.rejects(client.getSecret("x"), refused(403, "Forbidden", "ForbiddenByRbac"));
  await admin("POST", "/assignments", { principal: env.HOLDFAST_CLIENT_ID, role: "Key Vault Administrator", scope: vault });
  const { properties } = await client.setSecret("x", "v");
  assert.deepEqual([properties.recoveryLevel, properties.recoverableDays], ["CustomizedRecoverable", 7]);
  await (await client.beginDeleteSecret("x", polling)).pollUntilDone();
  await assert.rejects(client.purgeDeletedSecret("x"), refused(403, "Forbidden", "ForbiddenByPolicy"));
});
