package manage_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

// The examples of RFC 7396 appendix A.
func TestMergePatch(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		var target, patch, want any
		for i, into := range []*any{&target, &patch, &want} {
			if err := json.Unmarshal([]byte(tc[i]), into); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, manage.MergePatch(target, patch)); diff != "" {
			t.Errorf("%s with %s (-want +got):\n%s", tc[0], tc[1], diff)
		}
	}
}

// The guard sees the roles before and after a change, and nothing is stored if it returns an error.
func TestGuardedChangesOfUsers(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.seed(t)
		alice, denied := o.account(t, "name-of-alice"), errors.New("denied")
		users := o.users
		users.Guard = func(before, after account.AdminRole) error {
			if before != account.NoAdminRole || after == account.Owner {
				return denied
			}
			return nil
		}
		owner, support := account.Owner, account.Support
		_, err := users.Update(t.Context(), alice, manage.UserChange{AdminRole: &owner})
		wantErr(t, "a role above", err, denied)
		_, err = users.Update(t.Context(), alice, manage.UserChange{AdminRole: &support})
		must(t, err)
		_, err = users.Patch(t.Context(), alice.Subject, json.RawMessage(`{"admin_role":null}`))
		wantErr(t, "an administrator", err, denied)
		alice = o.account(t, "name-of-alice")
		wantSame(t, "role", alice.AdminRole, support)
		_, err = users.Disable(t.Context(), alice)
		wantErr(t, "disable", err, denied)
		for name, change := range map[string]error{
			"enable": users.Enable(t.Context(), alice), "lock": users.Lock(t.Context(), alice), "unlock": users.Unlock(t.Context(), alice),
			"password": users.SetPassword(t.Context(), alice, password), "delete": users.Delete(t.Context(), alice),
		} {
			wantErr(t, name, change, denied)
		}
		wantSame(t, "the account", o.account(t, "name-of-alice"), alice)
	})
}
