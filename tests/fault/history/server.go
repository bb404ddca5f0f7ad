// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit   = 60 * time.Second
	requestLimit = 30 * time.Second
	powerLimit   = 10 * time.Second
)

// A development server on a free port, with its data in a folder that outlives it.
type server struct {
	program, folder string
	environment     []string     // besides ours
	power           *failingDisk // nil: it is killed, and the system lives on
	cuts            int          // so often it went with what it had not synced
	process         *exec.Cmd
	env             map[string]string
	client          *http.Client
	token           string
}

func (s *server) path(name string) string { return filepath.Join(s.folder, name) }

// Starts it on the data that is there, with no option that would mend anything, and gets a token.
func (s *server) start(http2 bool) error {
	os.Remove(s.path("env"))
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := os.MkdirAll(s.path("data"), 0o700); err != nil {
		return err
	}
	s.process = exec.Command(s.program, "dev", "--data", s.path("data"), "--port", "0", "--env-file", s.path("env"))
	s.process.Stdout, s.process.Stderr = log, log
	s.process.Env = append(os.Environ(), s.environment...)
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(startLimit); ; time.Sleep(5 * time.Millisecond) {
		if s.env = readEnv(s.path("env")); s.env["HOLDFAST_AUTHORITY_HOST"] != "" {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server did not start within %s, see %s", startLimit, s.path("log"))
		}
	}
	return s.connect(http2)
}

// Kills it. An error means that it was gone already, by itself.
func (s *server) kill() error {
	if s.client != nil {
		defer s.client.CloseIdleConnections()
	}
	if s.process == nil || s.process.Process == nil || s.process.ProcessState != nil {
		return nil
	}
	if s.power != nil {
		before := s.power.count()
		s.power.cutPower()
		defer func() {
			s.power.end()
			if s.power.count() > before {
				s.cuts++
			}
		}()
		last := time.AfterFunc(powerLimit, func() { s.process.Process.Kill() }) // it may have nothing to do
		defer last.Stop()
	} else {
		s.process.Process.Kill()
	}
	s.process.Wait()
	status := s.process.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("the server ended by itself: %s, see %s", s.process.ProcessState, s.path("log"))
	}
	return nil
}

// The env file is written in one go when the server is ready; its last line is the authority host.
func readEnv(path string) map[string]string {
	env := map[string]string{}
	file, err := os.Open(path)
	if err != nil {
		return env
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			env[key] = value
		}
	}
	return env
}

func (s *server) connect(http2 bool) error {
	pem, err := os.ReadFile(s.env["SSL_CERT_FILE"])
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dialer := net.Dialer{Timeout: requestLimit}
	s.client = &http.Client{Timeout: requestLimit, Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2:   http2,
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}
	return s.fetchToken()
}

func (s *server) fetchToken() error {
	query := url.Values{"api-version": {"2019-08-01"}, "resource": {"https://vault.azure.net"}}
	request, err := http.NewRequest("GET", s.env["IDENTITY_ENDPOINT"]+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("X-IDENTITY-HEADER", s.env["IDENTITY_HEADER"])
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		return fmt.Errorf("no token: %d %s %v", answer.StatusCode, body, err)
	}
	var fields struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(body, &fields)
	s.token = fields.AccessToken
	return err
}

// Method, path and body of each kind of request; %s is the name, then the text.
var requests = [kinds]struct{ method, path, body string }{
	set:            {"PUT", "/secrets/%s", `{"value":"%s"}`},
	get:            {"GET", "/secrets/%s", ""},
	update:         {"PATCH", "/secrets/%s", `{"contentType":"%s"}`},
	remove:         {"DELETE", "/secrets/%s", ""},
	getDeleted:     {"GET", "/deletedsecrets/%s", ""},
	recoverDeleted: {"POST", "/deletedsecrets/%s/recover", ""},
	purge:          {"DELETE", "/deletedsecrets/%s", ""},
}

// These answers promise that nothing has happened. Others with 503 do not: the change may have been made, and the audit record not.
var promises = [][]byte{[]byte("cannot store changes: its disk is full"), []byte("The service is overloaded")}

func hasPromise(text []byte) bool {
	return slices.ContainsFunc(promises, func(promise []byte) bool { return bytes.Contains(text, promise) })
}

// Sends one request. An error means an answer that no request of this load may get.
func (s *server) send(in input) (output, error) {
	row := requests[in.kind]
	body := ""
	if row.body != "" {
		body = fmt.Sprintf(row.body, in.text)
	}
	address := s.env["AZURE_KEYVAULT_URL"] + fmt.Sprintf(row.path, in.name) + "?api-version=7.4"
	request, err := http.NewRequest(row.method, address, strings.NewReader(body))
	if err != nil {
		return output{}, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return output{outcome: unknown, isCut: true}, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return output{outcome: unknown, isCut: true}, nil
	case answer.StatusCode == 503 && hasPromise(text):
		return output{outcome: rejected}, nil
	case answer.StatusCode == 503:
		return output{outcome: unknown}, nil
	case answer.StatusCode == 404, answer.StatusCode == 409:
		return output{outcome: refused}, nil
	case answer.StatusCode/100 != 2:
		return output{}, fmt.Errorf("%s %s: %d %s", row.method, address, answer.StatusCode, text)
	case in.kind != get:
		return output{}, nil
	}
	var bundle struct{ Value, ContentType string }
	err = json.Unmarshal(text, &bundle)
	return output{value: bundle.Value, contentType: bundle.ContentType}, err
}
