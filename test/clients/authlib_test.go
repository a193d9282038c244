//go:build e2e

package clients

import "testing"

func TestAuthlib(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyInto(t, dir, "python", "requirements.txt", "client.py")
	install(t, "install Authlib; requires Python 3.11 or later with venv and pip, and PyPI",
		[]string{"python3", "-m", "venv", dir + "/venv"},
		[]string{dir + "/venv/bin/pip", "install", "--quiet", "--requirement", dir + "/requirements.txt"})

	library{
		methods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none", "private_key_jwt" + withPAR, mutualTLS},
		// It does not encode the secret for Basic, which RFC 6749 section 2.3.1 requires.
		secret: "a secret of letters and blanks needs no encoding",
		run:    script(dir+"/venv/bin/python", dir+"/client.py"),
		errors: map[string]string{
			"state of another session":          "mismatching_state",
			"nonce of another session":          "nonce",
			"code_challenge of another session": "invalid_grant",
			"iss of another server":             "", // the library does not implement RFC 9207
			"unknown code":                      "invalid_grant",
		},
	}.test(t)
}
