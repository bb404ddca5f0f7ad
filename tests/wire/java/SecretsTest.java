// SPDX-License-Identifier: Apache-2.0
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.exception.ResourceNotFoundException;
import com.azure.core.http.rest.PagedResponse;
import com.azure.core.util.polling.SyncPoller;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.security.keyvault.secrets.SecretServiceVersion;
import com.azure.security.keyvault.secrets.models.DeletedSecret;
import com.azure.security.keyvault.secrets.models.KeyVaultSecret;
import com.azure.security.keyvault.secrets.models.SecretProperties;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Every operation on secrets through azure-security-keyvault-secrets, with both ways to a token. No client option but trust in
 * the CA and, for the client secret, the authority host and switched-off instance discovery. The last line counts.
 */
public final class SecretsTest {
    private static final String URL = System.getenv("AZURE_KEYVAULT_URL");
    private static final OffsetDateTime PAST = OffsetDateTime.parse("2020-01-02T03:04:05Z");
    private static final OffsetDateTime FUTURE = OffsetDateTime.parse("2035-01-02T03:04:05Z");
    private static final Duration POLLING = Duration.ofMillis(50);
    private static int number;
    private static int passed;
    private static int failed;

    private static String freshName() {
        return "java-" + ProcessHandle.current().pid() + "-" + number++;
    }

    private static void equal(Object got, Object wanted) {
        if (!Objects.equals(got, wanted))
            throw new AssertionError(got + " instead of " + wanted);
    }

    private static <E extends Throwable> E refused(Class<E> kind, Runnable call) {
        try {
            call.run();
        } catch (Throwable error) {
            if (kind.isInstance(error))
                return kind.cast(error);
            throw new AssertionError("another error", error);
        }
        throw new AssertionError("not refused");
    }

    private static void refused(int status, String text, Runnable call) {
        HttpResponseException error = refused(HttpResponseException.class, call);
        equal(error.getResponse().getStatusCode(), status);
        if (!error.getMessage().contains(text) && !String.valueOf(error.getValue()).contains(text))
            throw new AssertionError("no " + text + " in " + error.getMessage());
    }

    private static void removeForGood(SecretClient client, String name) {
        client.beginDeleteSecret(name).setPollInterval(POLLING).waitForCompletion();
        client.purgeDeletedSecret(name);
    }

    private static void setAndGet(SecretClient client) {
        String name = freshName();
        KeyVaultSecret secret = new KeyVaultSecret(name, "value").setProperties(new SecretProperties()
            .setTags(Map.of("a", "1")).setContentType("text/plain").setEnabled(true).setNotBefore(PAST).setExpiresOn(FUTURE));
        KeyVaultSecret made = client.setSecret(secret);
        KeyVaultSecret got = client.getSecret(name);
        equal(got.getId(), made.getId());
        equal(got.getName(), name);
        equal(got.getValue(), "value");
        SecretProperties properties = got.getProperties();
        equal(properties.getTags(), Map.of("a", "1"));
        equal(properties.getContentType(), "text/plain");
        equal(properties.getNotBefore(), PAST);
        equal(properties.getExpiresOn(), FUTURE);
        equal(properties.getRecoveryLevel(), "Recoverable+Purgeable");
        equal(properties.getRecoverableDays(), 90);
        equal(properties.getVersion().matches("[0-9a-f]{32}"), true);
    }

    private static void versions(SecretClient client) {
        String name = freshName();
        Set<String> versions = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            String version = client.setSecret(name, String.valueOf(i)).getProperties().getVersion();
            versions.add(version);
            equal(client.getSecret(name, version).getValue(), String.valueOf(i));
        }
        equal(client.getSecret(name).getValue(), "2");
        Set<String> listed = new HashSet<>();
        client.listPropertiesOfSecretVersions(name).forEach(item -> listed.add(item.getVersion()));
        equal(listed, versions);
    }

    private static void update(SecretClient client) {
        String name = freshName();
        SecretProperties properties = client.setSecret(name, "value").getProperties();
        SecretProperties updated = client.updateSecretProperties(
            properties.setContentType("x").setTags(Map.of("b", "2")).setExpiresOn(FUTURE));
        equal(updated.getContentType(), "x");
        equal(updated.getTags(), Map.of("b", "2"));
        equal(updated.getExpiresOn(), FUTURE);
        equal(updated.getVersion(), properties.getVersion());
        equal(client.getSecret(name).getValue(), "value");
    }

    private static void list(SecretClient client) {
        Set<String> missing = new HashSet<>();
        for (int i = 0; i < 27; i++)
            missing.add(client.setSecret(freshName(), "v").getName());
        int pages = 0;
        for (PagedResponse<SecretProperties> page : client.listPropertiesOfSecrets().iterableByPage()) {
            page.getValue().forEach(item -> missing.remove(item.getName()));
            pages++;
        }
        equal(missing, Set.of());
        equal(pages > 1, true);
    }

    private static void deleteRecoverPurge(SecretClient client) {
        String name = freshName();
        String version = client.setSecret(name, "value").getProperties().getVersion();
        SyncPoller<DeletedSecret, Void> deletion = client.beginDeleteSecret(name).setPollInterval(POLLING);
        DeletedSecret deleted = deletion.waitForCompletion().getValue();
        equal(deleted.getRecoveryId(), URL + "/deletedsecrets/" + name);
        equal(Duration.between(deleted.getDeletedOn(), deleted.getScheduledPurgeDate()), Duration.ofDays(90));
        equal(client.getDeletedSecret(name).getName(), name);
        equal(client.listDeletedSecrets().stream().anyMatch(item -> item.getName().equals(name)), true);
        refused(409, "ObjectIsDeletedButRecoverable", () -> client.setSecret(name, "again"));
        KeyVaultSecret recovered = client.beginRecoverDeletedSecret(name).setPollInterval(POLLING).waitForCompletion().getValue();
        equal(recovered.getProperties().getVersion(), version);
        equal(client.getSecret(name).getValue(), "value");
        removeForGood(client, name);
        refused(ResourceNotFoundException.class, () -> client.getDeletedSecret(name));
        client.setSecret(name, "again");
    }

    private static void backupAndRestore(SecretClient client) {
        String name = freshName();
        String version = client.setSecret(name, "value").getProperties().getVersion();
        byte[] blob = client.backupSecret(name);
        refused(409, "Conflict", () -> client.restoreSecretBackup(blob));
        removeForGood(client, name);
        equal(client.restoreSecretBackup(blob).getProperties().getVersion(), version);
        equal(client.getSecret(name).getValue(), "value");
        refused(400, "BadParameter", () -> client.restoreSecretBackup(new byte[] {1, 2, 3}));
    }

    private static void errors(SecretClient client) {
        refused(ResourceNotFoundException.class, () -> client.getSecret("none"));
        refused(ResourceNotFoundException.class, () -> client.getSecret("none", "0".repeat(32)));
        refused(ResourceNotFoundException.class, () -> client.getDeletedSecret("none"));
        refused(400, "BadParameter", () -> client.setSecret("a_b", "v"));
        String name = freshName();
        client.setSecret(new KeyVaultSecret(name, "v").setProperties(new SecretProperties().setEnabled(false)));
        refused(403, "SecretDisabled", () -> client.getSecret(name));
    }

    private static void run(String name, Runnable test) {
        try {
            test.run();
            passed++;
        } catch (Throwable error) {
            failed++;
            System.out.println("FAILED " + name);
            error.printStackTrace(System.out);
        }
    }

    private static TokenCredential secretCredential(String secret) {
        return new ClientSecretCredentialBuilder().tenantId(System.getenv("HOLDFAST_TENANT_ID"))
            .clientId(System.getenv("HOLDFAST_CLIENT_ID")).clientSecret(secret)
            .authorityHost(System.getenv("HOLDFAST_AUTHORITY_HOST")).disableInstanceDiscovery().build();
    }

    public static void main(String[] arguments) {
        Map<String, Consumer<SecretClient>> operations = new LinkedHashMap<>();
        operations.put("set and get", SecretsTest::setAndGet);
        operations.put("versions", SecretsTest::versions);
        operations.put("update", SecretsTest::update);
        operations.put("list", SecretsTest::list);
        operations.put("delete, recover, purge", SecretsTest::deleteRecoverPurge);
        operations.put("backup and restore", SecretsTest::backupAndRestore);
        operations.put("errors", SecretsTest::errors);

        String secret = System.getenv("HOLDFAST_CLIENT_SECRET");
        Map<String, SecretClientBuilder> variants = new LinkedHashMap<>();
        variants.put("DefaultAzureCredential", new SecretClientBuilder().credential(new DefaultAzureCredentialBuilder().build()));
        variants.put("ClientSecretCredential", new SecretClientBuilder().credential(secretCredential(secret)));
        variants.put("version 7.4", new SecretClientBuilder().credential(secretCredential(secret)).serviceVersion(SecretServiceVersion.V7_4));
        variants.forEach((variant, builder) -> {
            SecretClient client = builder.vaultUrl(URL).buildClient();
            operations.forEach((name, operation) -> run(variant + ": " + name, () -> operation.accept(client)));
        });
        // Not through the client: it would repeat the failed sign-in for seconds.
        run("wrong client secret", () -> {
            TokenRequestContext request = new TokenRequestContext().addScopes("https://vault.azure.net/.default");
            RuntimeException error = refused(RuntimeException.class, () -> secretCredential("wrong").getTokenSync(request));
            equal(String.valueOf(error).contains("AADSTS7000215") || String.valueOf(error.getCause()).contains("AADSTS7000215"), true);
        });
        System.out.printf("java: %d passed, %d failed, 0 skipped%n", passed, failed);
        System.exit(failed == 0 ? 0 : 1);
    }
}
