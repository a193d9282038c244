package manage_test

import (
	"strconv"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// bcrypt is a hash of another server.
const bcrypt = "$2b$10$abcdefghijklmnopqrstuuJ9TLIRq0yDcnlPGSj1EI1y6hS3fBaBK"

func (o *operator) importUsers(t *testing.T, text string, created, updated int) {
	t.Helper()
	c, u, err := o.userIn.Import(t.Context(), []byte(text))
	must(t, err)
	wantSame(t, "created and updated", []int{c, u}, []int{created, updated})
}

// The first import creates all users, and the same import again changes nothing.
func TestImportUsersTwice(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		text := "\ufeff" + `{"users":[{"username":" CAROL ","password":"` + password + `","claims":{"email":"carol@example.org"},"administrator":true},
			{"username":"dave","password_hash":"` + bcrypt + `","claims":null}]}`
		o.importUsers(t, text, 2, 0)
		carol := o.account(t, "carol")
		wantSame(t, "claims", carol.Claims, map[string]any{"email": "carol@example.org", "email_verified": false})
		wantSame(t, "role", carol.AdminRole, account.Owner)
		wantSame(t, "created at", carol.CreatedAt.Equal(later), true)
		if ok, err := hasher.Verify(t.Context(), carol.PasswordHash(), password); !ok || err != nil {
			t.Errorf("the password is another one: %v", err)
		}
		wantSame(t, "the hash in the file", o.account(t, "dave").PasswordHash(), bcrypt)
		before := o.records(t)
		o.importUsers(t, text, 0, 0)
		wantSame(t, "the records after the second import", o.records(t), before)
	})
}

// An entry changes the members that it has. Only a new password ends sessions and grants.
func TestImportOfAKnownUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		g := o.seed(t)
		before := o.account(t, "name-of-alice")
		o.importUsers(t, `[{"username":"name-of-alice","administrator":true}]`, 0, 1)
		o.importUsers(t, `[{"username":"name-of-alice","claims":{"name":"Alice"}}]`, 0, 1)
		after := o.account(t, "name-of-alice")
		wantSame(t, "claims", after.Claims, map[string]any{"email": "alice@example.org", "email_verified": true, "name": "Alice"})
		wantSame(t, "role", after.AdminRole, account.Owner)
		wantSame(t, "password", after.Password, before.Password)
		wantSame(t, "subject", after.Subject, "alice")
		fixture.WantLive(t, o.Store, g.Locator, later, true)

		o.importUsers(t, `[{"username":"name-of-alice","password":"`+password+`"}]`, 0, 1)
		after = o.account(t, "name-of-alice")
		wantSame(t, "claims that the entry lacks", after.Claims["name"], any("Alice"))
		if ok, err := hasher.Verify(t.Context(), after.PasswordHash(), password); !ok || err != nil {
			t.Errorf("the password is another one: %v", err)
		}
		fixture.WantLive(t, o.Store, g.Locator, later, false)
		wantSame(t, "notices", o.noticesOf(t), []string{"sid"})
	})
}

// Read reports progress after each entry and writes nothing.
func TestReadUsers(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		fixture.Seed(t, o.Store)
		before := o.records(t)
		progress := ""
		users, err := o.userIn.Read(t.Context(), []byte(`[{"username":"carol","password":"`+password+`"},{"username":"name-of-bob"}]`),
			func(done, total int) { progress += strconv.Itoa(done) + "/" + strconv.Itoa(total) + " " })
		must(t, err)
		wantSame(t, "progress", progress, "1/2 2/2 ")
		wantSame(t, "users", len(users), 2)
		wantSame(t, "the records after Read", o.records(t), before)
	})
}

// An import does not overwrite a password that is changed between Read and the write.
func TestImportKeepsAConcurrentPassword(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		text := []byte(`[{"username":"carol","password":"` + password + `"}]`)
		_, _, err := o.userIn.Import(t.Context(), text)
		must(t, err)
		users, err := o.userIn.Read(t.Context(), text, func(int, int) {})
		must(t, err)
		must(t, o.users.SetPassword(t.Context(), o.account(t, "carol"), "a concurrent password"))
		_, _, err = o.Accounts.ImportAccounts(t.Context(), users)
		must(t, err)
		if ok, err := hasher.Verify(t.Context(), o.account(t, "carol").PasswordHash(), "a concurrent password"); !ok || err != nil {
			t.Errorf("the password is another one: %v", err)
		}
	})
}
