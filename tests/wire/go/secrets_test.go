// SPDX-License-Identifier: Apache-2.0

// Package wire sends every operation on secrets through azsecrets, with both ways to a token. No client option but trust in the
// CA (SSL_CERT_FILE) and, for the client secret, the authority host and switched-off instance discovery.
package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

var (
	ctx    = context.Background()
	url    = os.Getenv("AZURE_KEYVAULT_URL")
	past   = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	future = time.Date(2035, 1, 2, 3, 4, 5, 0, time.UTC)
	number = 0
)

func freshName() string {
	number++
	return fmt.Sprintf("go-%d-%d", os.Getpid(), number)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%v instead of %v", got, wanted)
	}
}

func refused(t *testing.T, err error, status int, code string, parts ...string) {
	t.Helper()
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		t.Fatalf("not refused: %v", err)
	}
	equal(t, answer.StatusCode, status)
	equal(t, answer.ErrorCode, code)
	for _, part := range parts {
		if !strings.Contains(answer.Error(), part) {
			t.Fatalf("no %q in %v", part, answer)
		}
	}
}

func secretCredential(t *testing.T, secret string) azcore.TokenCredential {
	t.Helper()
	options := azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true}
	options.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: os.Getenv("HOLDFAST_AUTHORITY_HOST")}
	credential, err := azidentity.NewClientSecretCredential(os.Getenv("HOLDFAST_TENANT_ID"), os.Getenv("HOLDFAST_CLIENT_ID"), secret, &options)
	check(t, err)
	return credential
}

func newClient(t *testing.T, credential azcore.TokenCredential) *azsecrets.Client {
	t.Helper()
	client, err := azsecrets.NewClient(url, credential, nil)
	check(t, err)
	return client
}

func set(t *testing.T, client *azsecrets.Client, name, value string) azsecrets.SetSecretResponse {
	t.Helper()
	answer, err := client.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: &value}, nil)
	check(t, err)
	return answer
}

func get(t *testing.T, client *azsecrets.Client, name, version string) string {
	t.Helper()
	answer, err := client.GetSecret(ctx, name, version, nil)
	check(t, err)
	return *answer.Value
}

func removeForGood(t *testing.T, client *azsecrets.Client, name string) {
	t.Helper()
	_, err := client.DeleteSecret(ctx, name, nil)
	check(t, err)
	_, err = client.PurgeDeletedSecret(ctx, name, nil)
	check(t, err)
}

func setAndGet(t *testing.T, client *azsecrets.Client) {
	name := freshName()
	attributes := &azsecrets.SecretAttributes{Enabled: to.Ptr(true), NotBefore: &past, Expires: &future}
	made, err := client.SetSecret(ctx, name, azsecrets.SetSecretParameters{
		Value: to.Ptr("value"), ContentType: to.Ptr("text/plain"), Tags: map[string]*string{"a": to.Ptr("1")}, SecretAttributes: attributes,
	}, nil)
	check(t, err)
	got, err := client.GetSecret(ctx, name, "", nil)
	check(t, err)
	equal(t, *got.ID, *made.ID)
	equal(t, got.ID.Name(), name)
	equal(t, len(got.ID.Version()), 32)
	equal(t, *got.Value, "value")
	equal(t, *got.ContentType, "text/plain")
	equal(t, *got.Tags["a"], "1")
	equal(t, got.Attributes.NotBefore.Unix(), past.Unix())
	equal(t, got.Attributes.Expires.Unix(), future.Unix())
	equal(t, *got.Attributes.RecoverableDays, 90)
	equal(t, *got.Attributes.RecoveryLevel, "Recoverable+Purgeable")
}

func versions(t *testing.T, client *azsecrets.Client) {
	name := freshName()
	ids := map[string]bool{}
	for i := range 3 {
		made := set(t, client, name, fmt.Sprint(i))
		ids[made.ID.Version()] = true
		equal(t, get(t, client, name, made.ID.Version()), fmt.Sprint(i))
	}
	equal(t, get(t, client, name, ""), "2")
	for pager := client.NewListSecretPropertiesVersionsPager(name, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		check(t, err)
		for _, item := range page.Value {
			delete(ids, item.ID.Version())
		}
	}
	equal(t, len(ids), 0)
}

func update(t *testing.T, client *azsecrets.Client) {
	name := freshName()
	made := set(t, client, name, "value")
	updated, err := client.UpdateSecretProperties(ctx, name, made.ID.Version(), azsecrets.UpdateSecretPropertiesParameters{
		ContentType: to.Ptr("x"), Tags: map[string]*string{"b": to.Ptr("2")}, SecretAttributes: &azsecrets.SecretAttributes{Expires: &future},
	}, nil)
	check(t, err)
	equal(t, *updated.ContentType, "x")
	equal(t, *updated.Tags["b"], "2")
	updated, err = client.UpdateSecretProperties(ctx, name, "", azsecrets.UpdateSecretPropertiesParameters{ContentType: to.Ptr("y")}, nil)
	check(t, err)
	equal(t, *updated.ContentType, "y")
	equal(t, updated.Attributes.Expires.Unix(), future.Unix())
	equal(t, get(t, client, name, ""), "value")
}

func list(t *testing.T, client *azsecrets.Client) {
	missing := map[string]bool{}
	for range 27 {
		name := freshName()
		set(t, client, name, "v")
		missing[name] = true
	}
	pages := 0
	for pager := client.NewListSecretPropertiesPager(nil); pager.More(); pages++ {
		page, err := pager.NextPage(ctx)
		check(t, err)
		for _, item := range page.Value {
			delete(missing, item.ID.Name())
		}
	}
	equal(t, len(missing), 0)
	if pages < 2 {
		t.Fatalf("%d page", pages)
	}
}

func deleteRecoverPurge(t *testing.T, client *azsecrets.Client) {
	name := freshName()
	made := set(t, client, name, "value")
	deleted, err := client.DeleteSecret(ctx, name, nil)
	check(t, err)
	equal(t, *deleted.RecoveryID, url+"/deletedsecrets/"+name)
	equal(t, deleted.ScheduledPurgeDate.Sub(*deleted.DeletedDate), 90*24*time.Hour)
	_, err = client.GetDeletedSecret(ctx, name, nil)
	check(t, err)
	found := false
	for pager := client.NewListDeletedSecretPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		check(t, err)
		for _, item := range page.Value {
			found = found || item.ID.Name() == name
		}
	}
	equal(t, found, true)
	_, err = client.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: to.Ptr("again")}, nil)
	refused(t, err, 409, "Conflict", "ObjectIsDeletedButRecoverable")
	recovered, err := client.RecoverDeletedSecret(ctx, name, nil)
	check(t, err)
	equal(t, *recovered.ID, *made.ID)
	equal(t, get(t, client, name, ""), "value")
	removeForGood(t, client, name)
	_, err = client.GetDeletedSecret(ctx, name, nil)
	refused(t, err, 404, "SecretNotFound")
	set(t, client, name, "again")
}

func backupAndRestore(t *testing.T, client *azsecrets.Client) {
	name := freshName()
	made := set(t, client, name, "value")
	blob, err := client.BackupSecret(ctx, name, nil)
	check(t, err)
	_, err = client.RestoreSecret(ctx, azsecrets.RestoreSecretParameters{SecretBackup: blob.Value}, nil)
	refused(t, err, 409, "Conflict")
	removeForGood(t, client, name)
	restored, err := client.RestoreSecret(ctx, azsecrets.RestoreSecretParameters{SecretBackup: blob.Value}, nil)
	check(t, err)
	equal(t, *restored.ID, *made.ID)
	equal(t, get(t, client, name, ""), "value")
	_, err = client.RestoreSecret(ctx, azsecrets.RestoreSecretParameters{SecretBackup: []byte("garbage")}, nil)
	refused(t, err, 400, "BadParameter")
}

func errorsOf(t *testing.T, client *azsecrets.Client) {
	_, err := client.GetSecret(ctx, "none", "", nil)
	refused(t, err, 404, "SecretNotFound")
	_, err = client.SetSecret(ctx, "a_b", azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil)
	refused(t, err, 400, "BadParameter")
	name := freshName()
	disabled := azsecrets.SetSecretParameters{Value: to.Ptr("v"), SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)}}
	_, err = client.SetSecret(ctx, name, disabled, nil)
	check(t, err)
	_, err = client.GetSecret(ctx, name, "", nil)
	refused(t, err, 403, "Forbidden", "SecretDisabled")
}

func TestSecrets(t *testing.T) {
	operations := []struct {
		name string
		run  func(*testing.T, *azsecrets.Client)
	}{
		{"set and get", setAndGet}, {"versions", versions}, {"update", update}, {"list", list},
		{"delete, recover, purge", deleteRecoverPurge}, {"backup and restore", backupAndRestore}, {"errors", errorsOf},
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	check(t, err)
	credentials := map[string]azcore.TokenCredential{
		"DefaultAzureCredential": identity,
		"ClientSecretCredential": secretCredential(t, os.Getenv("HOLDFAST_CLIENT_SECRET")),
	}
	for variant, credential := range credentials {
		client := newClient(t, credential)
		for _, operation := range operations {
			t.Run(variant+": "+operation.name, func(t *testing.T) { operation.run(t, client) })
		}
	}
}

func TestWrongClientSecret(t *testing.T) {
	_, err := newClient(t, secretCredential(t, "wrong")).GetSecret(ctx, "x", "", nil)
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Fatal(err)
	}
}
