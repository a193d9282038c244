//go:build e2e

package clients

import "testing"

func TestOpenIDClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyInto(t, dir, "node", ".npmrc", "package.json", "package-lock.json", "client.mjs")
	install(t, "openid-client could not be installed; this test needs Node 20 or later, npm, and its registry",
		[]string{"npm", "ci", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000"})

	library{
		methods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		secret:  `all sorts: +%20&= "'\<>/?`,
		run:     script("node", dir+"/client.mjs"),
		errors: map[string]string{
			"an answer to somebody else's state":        `unexpected "state" response parameter value`,
			"an ID token with somebody else's nonce":    `unexpected ID Token "nonce" claim value`,
			"a code for somebody else's verifier":       "invalid_grant",
			"an answer in the name of another server":   `unexpected "iss"`,
			"a code that the server never gave anybody": "invalid_grant",
		},
	}.test(t)
}
