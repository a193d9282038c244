package manage_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

const imported = `[
	{"client_id":"web","client_secret":"a secret in the file","redirect_uris":["https://web.example/cb"],"client_name":"Web"},
	{"client_id":"app","redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none","client_secret":"ignored","colour":"red"},
	{"client_name":"Unnamed","redirect_uris":["https://unnamed.example/cb"],"token_endpoint_auth_method":"none"},
	{"client_name":"Unnamed","redirect_uris":["https://unnamed.example/cb"],"token_endpoint_auth_method":"none"}]`

// importClients imports a file and checks the counts.
func (o *operator) importClients(t *testing.T, text string, created, updated int) {
	t.Helper()
	c, u, err := o.clientIn.Import(t.Context(), []byte(text))
	must(t, err)
	wantSame(t, "created and updated", []int{c, u}, []int{created, updated})
}

// The first import creates all clients, and the same import again changes nothing.
func TestImportClientsTwice(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.importClients(t, imported, 4, 0)
		wantSame(t, "the secret in the file is valid", o.matches(t, "web", "a secret in the file"), true)
		wantSame(t, "secret of a public client", o.client(t, "app").Secret, client.Secret(""))
		before := o.records(t)
		o.importClients(t, imported, 0, 0)
		wantSame(t, "the records after the second import", o.records(t), before)

		changed := `{"clients":[{"client_id":"web","redirect_uris":["https://web.example/cb"],"client_name":"Renamed"}]}`
		o.importClients(t, changed, 0, 1)
		wantSame(t, "name", o.client(t, "web").ClientName, "Renamed")
		wantSame(t, "the secret that the entry lacks is kept", o.matches(t, "web", "a secret in the file"), true)
		o.importClients(t, `[{"client_id":"web","client_secret":"another secret","redirect_uris":["https://web.example/cb"]}]`, 0, 1)
		wantSame(t, "the new secret is valid", o.matches(t, "web", "another secret"), true)
		wantSame(t, "the old secret is valid", o.matches(t, "web", "a secret in the file"), false)
	})
}

// Read completes the entries, generates the secrets that are missing, and writes nothing.
func TestReadClients(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.newClient(t, "stored")
		before := o.records(t)
		var progress [][2]int
		batch, err := o.clientIn.Read(t.Context(), []byte(`[
			{"client_id":"new","redirect_uris":["https://new.example/cb"],"colour":"red"},
			{"client_id":"stored","redirect_uris":["https://rp.example/cb"]},
			{"client_id":"jwt","redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"client_secret_jwt"}]`),
			func(done, total int) { progress = append(progress, [2]int{done, total}) })
		must(t, err)
		wantSame(t, "progress", progress, [][2]int{{1, 3}, {2, 3}, {3, 3}})
		wantSame(t, "warnings", batch.Warnings, []string{"entry 1: colour is not understood and was ignored"})
		var generated []string
		for _, s := range batch.Secrets {
			generated = append(generated, s.ID)
			wantSame(t, "the generated secret of "+s.ID+" is that of its entry", s.ID == batch.Clients[s.Entry-1].ID, true)
			ok, err := o.secrets.Verify(t.Context(), batch.Clients[s.Entry-1], s.Secret)
			must(t, err)
			wantSame(t, "the generated secret of "+s.ID+" is valid", ok, true)
		}
		wantSame(t, "generated", generated, []string{"new", "jwt"})
		wantSame(t, "the secret of a stored client", batch.Clients[1].Secret, client.Secret(""))
		wantSame(t, "the records after Read", o.records(t), before)
	})
}

// An entry with another authentication method keeps the secret in the form that it needs.
func TestImportConvertsTheSecret(t *testing.T) {
	const secret = "a secret of 32 characters or more"
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		entry := func(method, secret string) string {
			return `[{"client_id":"web","redirect_uris":["https://web.example/cb"],"token_endpoint_auth_method":"` + method + `"` + secret + `}]`
		}
		o.importClients(t, entry("client_secret_jwt", `,"client_secret":"`+secret+`"`), 1, 0)
		wantSame(t, "sealed", o.client(t, "web").Secret.IsSealed(), true)
		o.importClients(t, entry("client_secret_post", ""), 0, 1)
		wantSame(t, "sealed", o.client(t, "web").Secret.IsSealed(), false)
		wantSame(t, "the secret is valid", o.matches(t, "web", secret), true)
		_, _, err := o.clientIn.Import(t.Context(), []byte(entry("client_secret_jwt", "")))
		wantText(t, "Import with a secret that is only a hash", err, "client_secret is missing")
		o.importClients(t, entry("none", ""), 0, 1)
		wantSame(t, "secret", o.client(t, "web").Secret, client.Secret(""))
	})
}

// An import does not overwrite a secret that is changed between Read and the write.
func TestImportKeepsAConcurrentSecret(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.importClients(t, imported, 4, 0)
		batch, err := o.clientIn.Read(t.Context(), []byte(imported), func(int, int) {})
		must(t, err)
		var secret string
		_, err = o.clients.Update(t.Context(), "web", func(c *client.Client) (err error) {
			secret, err = o.clients.SetSecret(t.Context(), c, "", true)
			return err
		}, nil)
		must(t, err)
		_, _, err = o.Clients.ImportClients(t.Context(), batch.Clients)
		must(t, err)
		wantSame(t, "the concurrent secret is valid", o.matches(t, "web", secret), true)
	})
}
