//go:build e2e

package clients

import "testing"

func TestOpenIDClient(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "client.mjs")
	library{
		methods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none", "private_key_jwt" + withDPoP, "none" + withDPoP, mutualTLS},
		secret:  `all sorts: +%20&= "'\<>/?`,
		run:     script("node", dir+"/client.mjs"),
		errors: map[string]string{
			"state of another session":          `unexpected "state" response parameter value`,
			"nonce of another session":          `unexpected ID Token "nonce" claim value`,
			"code_challenge of another session": "invalid_grant",
			"iss of another server":             `unexpected "iss"`,
			"unknown code":                      "invalid_grant",
		},
	}.test(t)
}

func TestOAuth4WebAPI(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "webapi.mjs")
	library{
		methods: []string{"private_key_jwt", "private_key_jwt" + withDPoP, mutualTLS},
		run:     script("node", dir+"/webapi.mjs"),
		errors: map[string]string{
			"state of another session":          `unexpected "state" response parameter value`,
			"nonce of another session":          `unexpected ID Token "nonce" claim value`,
			"code_challenge of another session": "invalid_grant",
			"iss of another server":             `unexpected "iss"`,
			"unknown code":                      "invalid_grant",
		},
	}.test(t)
}

// installNode installs the application of a file with its libraries and returns its directory.
func installNode(t *testing.T, file string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	copyInto(t, dir, "node", ".npmrc", "package.json", "package-lock.json", "mutual-tls.mjs", file)
	install(t, "install openid-client and oauth4webapi; requires Node 20 or later, npm, and its registry",
		[]string{"npm", "ci", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000"})
	return dir
}
