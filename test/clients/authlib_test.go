//go:build e2e

package clients

import "testing"

func TestAuthlib(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyInto(t, dir, "python", "requirements.txt", "client.py")
	install(t, "Authlib could not be installed; this test needs Python 3.11 or later with venv and pip, and PyPI",
		[]string{"python3", "-m", "venv", dir + "/venv"},
		[]string{dir + "/venv/bin/pip", "install", "--quiet", "--requirement", dir + "/requirements.txt"})

	library{
		methods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		// It does not encode the secret, as RFC 6749 section 2.3.1 demands for Basic.
		secret: "a secret of letters alone does not need it",
		run:    script(dir+"/venv/bin/python", dir+"/client.py"),
		errors: map[string]string{
			"an answer to somebody else's state":        "mismatching_state",
			"an ID token with somebody else's nonce":    "nonce",
			"a code for somebody else's verifier":       "invalid_grant",
			"an answer in the name of another server":   "", // its client does not know RFC 9207
			"a code that the server never gave anybody": "invalid_grant",
		},
	}.test(t)
}
