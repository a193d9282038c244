//go:build e2e

package clients

import "testing"

func TestNimbus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyInto(t, dir, "java", "pom.xml", "src/main/java/example/App.java")
	install(t, "install the Nimbus SDK; requires Java 17 or later, Maven, and its registry",
		[]string{"mvn", "--quiet", "--batch-mode", "--no-transfer-progress", "--file", dir, "package"})

	library{
		methods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "private_key_jwt" + withDPoP, mutualTLS},
		secret:  `all sorts: +%20&= "'\<>/?`,
		run:     script("java", "-XX:TieredStopAtLevel=1", "-cp", dir+"/target/classes:"+dir+"/target/dependency/*", "example.App"),
		errors: map[string]string{
			"state of another session":          "state of another session",
			"nonce of another session":          "Unexpected JWT nonce",
			"code_challenge of another session": "invalid_grant",
			"iss of another server":             "iss of another server",
			"unknown code":                      "invalid_grant",
		},
	}.test(t)
}
