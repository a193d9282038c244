package manage_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
)

// matches reports whether the stored client has a secret.
func (o *operator) matches(t *testing.T, id, secret string) bool {
	t.Helper()
	ok, err := o.secrets.Verify(t.Context(), o.client(t, id), secret)
	must(t, err)
	return ok
}

func TestClientIDIsGeneratedIfEmpty(t *testing.T) {
	t.Parallel()
	first, err := manage.ClientID("")
	must(t, err)
	second, err := manage.ClientID("")
	must(t, err)
	if first == second || client.CheckID(first) != nil {
		t.Errorf("the generated IDs are %q and %q, want two valid ones", first, second)
	}
	given, err := manage.ClientID("given")
	must(t, err)
	wantSame(t, "a given ID", given, "given")
}

// A new client has the times of its creation and a secret if its method needs one.
func TestCreateClient(t *testing.T) {
	const given = "a secret of the operator, long enough"
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for _, tc := range []struct {
			method, secret string
			generated      int  // length
			usesSecret     bool // the stored client has a secret
		}{
			{client.AuthBasic, "", 43, true},
			{client.AuthPost, given, 0, true},
			{client.AuthSecretJWT, "", 64, true},
			{client.AuthSecretJWT, given, 0, true},
			{client.AuthNone, "", 0, false},
			{client.AuthNone, given, 0, false},
			{client.AuthPrivateKeyJWT, "", 0, false},
		} {
			name := tc.method + " " + tc.secret
			id, err := manage.ClientID("")
			must(t, err)
			c := &client.Client{ID: id, Metadata: withMethod(tc.method)}
			generated, err := o.clients.Create(t.Context(), c, tc.secret, func(complete *client.Client) error {
				if complete.CreatedAt.IsZero() || (complete.Secret != "") != tc.usesSecret {
					t.Errorf("%s: Authorize gets the incomplete client %+v", name, complete)
				}
				return nil
			})
			must(t, err)
			stored := o.client(t, id)
			wantSame(t, name+": length of the generated secret", len(generated), tc.generated)
			wantSame(t, name+": has a secret", stored.Secret != "", tc.usesSecret)
			wantSame(t, name+": metadata", stored.Metadata, withMethod(tc.method))
			if !stored.CreatedAt.Equal(later) || !stored.UpdatedAt.Equal(later) {
				t.Errorf("%s: created at %v and updated at %v, want %v", name, stored.CreatedAt, stored.UpdatedAt, later)
			}
			if tc.usesSecret && !o.matches(t, id, generated+tc.secret) {
				t.Errorf("%s: the stored secret is another one", name)
			}
			wantSame(t, name+": sealed", stored.Secret.IsSealed(), tc.method == client.AuthSecretJWT)
		}
	})
}

// Prepare completes a client and stores nothing.
func TestPrepareClient(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		c := &client.Client{ID: "new", Metadata: withMethod(client.AuthBasic)}
		secret, err := o.clients.Prepare(t.Context(), c, "")
		must(t, err)
		if secret == "" || c.Secret == "" || !c.CreatedAt.Equal(later) {
			t.Errorf("the prepared client is %+v, want it complete", c)
		}
		_, err = o.Clients.Client(t.Context(), "new")
		wantErr(t, "Client", err, client.ErrNotFound)
	})
}

// An update keeps the secret unless the authentication method or the operator changes it.
func TestUpdateClientSecret(t *testing.T) {
	const given = "another secret of the operator"
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for name, tc := range map[string]struct {
			method, secret string
			renew          bool
			kept, has, new bool // the old secret is valid; there is one; a new one is returned
		}{
			"another form":          {client.AuthPost, "", false, true, true, false},
			"a given secret":        {client.AuthBasic, given, false, false, true, false},
			"a renewed secret":      {client.AuthBasic, "", true, false, true, true},
			"the secret as a key":   {client.AuthSecretJWT, "", false, false, true, true},
			"no secret":             {client.AuthNone, "", false, false, false, false},
			"no secret, with one":   {client.AuthNone, given, false, false, false, false},
			"no secret, with renew": {client.AuthNone, "", true, false, false, false},
		} {
			id := strings.ReplaceAll(name, " ", "-")
			created, old := o.newClient(t, id)
			created.RegistrationToken = []byte("hash")
			must(t, o.Clients.UpdateClient(t.Context(), created))
			var generated string
			updated, err := o.clients.Update(t.Context(), id, func(c *client.Client) (err error) {
				must(t, o.clients.SetMetadata(t.Context(), c, withMethod(tc.method)))
				generated, err = o.clients.SetSecret(t.Context(), c, tc.secret, tc.renew)
				return err
			}, nil)
			must(t, err)
			stored := o.client(t, id)
			wantSame(t, name+": method", stored.TokenEndpointAuthMethod, tc.method)
			wantSame(t, name+": version", stored.Version, updated.Version)
			wantSame(t, name+": the old secret is valid", o.matches(t, id, old), tc.kept)
			wantSame(t, name+": has a secret", stored.Secret != "", tc.has)
			wantSame(t, name+": a secret is returned", generated != "", tc.new)
			if tc.has && !tc.kept && !o.matches(t, id, generated+tc.secret) {
				t.Errorf("%s: the new secret is not valid", name)
			}
			wantSame(t, name+": registration access token", stored.RegistrationToken != nil, tc.kept)
		}
	})
}

// The replaced secret stays valid for the lifetime, and only then.
func TestRotateClientSecret(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for name, lifetime := range map[string]time.Duration{"an-hour": time.Hour, "nothing": 0} {
			_, old := o.newClient(t, name)
			var secret string
			_, err := o.clients.Update(t.Context(), name, func(c *client.Client) (err error) {
				secret, err = o.clients.RotateSecret(t.Context(), c, lifetime)
				return err
			}, nil)
			must(t, err)
			if !o.matches(t, name, secret) || o.matches(t, name, old) {
				t.Errorf("%s: the current secret is not the new one", name)
			}
			stored := o.client(t, name)
			rotated := stored.PreviousSecrets(later)
			wantSame(t, name+": rotated secrets", len(rotated) == 1, lifetime > 0)
			for _, one := range rotated {
				if ok, err := one.Verify(t.Context(), hasher, old); !ok || err != nil {
					t.Errorf("%s: the rotated secret is not the old one: %v", name, err)
				}
			}
			wantSame(t, name+": rotated secrets after the lifetime", len(stored.PreviousSecrets(later.Add(lifetime))), 0)
		}
	})
}

// An update that meets another one starts again, three times in all, and loses no change.
func TestConcurrentUpdatesOfAClient(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		other, evening := newOperator(t, o.url), later.Add(time.Hour)
		for conflicts, want := range []error{nil, nil, nil, client.ErrConflict} {
			id := "rp-" + strconv.Itoa(conflicts)
			o.newClient(t, id)
			calls, authorized := 0, 0
			m := o.clients
			m.Now = func() time.Time { return evening }
			_, err := m.Update(t.Context(), id, func(c *client.Client) error {
				calls++
				c.ClientName = "changed here"
				if calls > conflicts {
					return nil
				}
				_, err := other.clients.Update(t.Context(), id, func(c *client.Client) error { c.Owner += "x"; return nil }, nil)
				return err
			}, func(before, after *client.Client) error {
				authorized++
				if len(before.Owner) != calls-1 || before.ClientName == "changed here" || after.ClientName != "changed here" {
					t.Errorf("%d conflicts: Authorize gets %+v and %+v", conflicts, before.Metadata, after.Metadata)
				}
				return nil
			})
			wantErr(t, id+": Update", err, want)
			wantSame(t, id+": calls", []int{calls, authorized}, []int{min(conflicts+1, 3), min(conflicts+1, 3)})
			stored := o.client(t, id)
			wantSame(t, id+": changes of the other", len(stored.Owner), min(conflicts, 3))
			wantSame(t, id+": changed here", stored.ClientName == "changed here", want == nil)
			wantSame(t, id+": updated at", stored.UpdatedAt.Equal(evening), want == nil)
		}
		o.newClient(t, "deleted")
		_, err := o.clients.Update(t.Context(), "deleted", func(*client.Client) error {
			return other.Clients.DeleteClient(t.Context(), "deleted")
		}, nil)
		wantErr(t, "Update of a client that another deletes", err, client.ErrNotFound)
	})
}

// Of concurrent creations of one client one succeeds, and its secret is the stored one.
func TestConcurrentCreationsOfAClient(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		const callers = 8
		type result struct {
			secret string
			err    error
		}
		results := make(chan result, callers)
		for range callers {
			go func() {
				c := &client.Client{ID: "new", Metadata: withMethod(client.AuthBasic)}
				secret, err := o.clients.Create(t.Context(), c, "", nil)
				results <- result{secret, err}
			}()
		}
		created := 0
		for range callers {
			r := <-results
			switch {
			case r.err == nil:
				created++
				wantSame(t, "the secret is valid", o.matches(t, "new", r.secret), true)
			case !errors.Is(r.err, client.ErrExists):
				t.Errorf("Create = %v, want %v", r.err, client.ErrExists)
			}
		}
		wantSame(t, "created", created, 1)
	})
}

// The scope of a dynamically registered client counts as set by the operator once the
// operator has changed it.
func TestUpdateMarksTheScopeOfTheOperator(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for id, dynamic := range map[string]bool{"registered": true, "created": false} {
			c, _ := o.newClient(t, id)
			c.Dynamic = dynamic
			must(t, o.Clients.UpdateClient(t.Context(), c))
			for _, step := range []struct {
				scope string
				want  bool
			}{{"openid email", false}, {"openid admin", dynamic}, {"openid admin", dynamic}} {
				_, err := o.clients.Update(t.Context(), id, func(c *client.Client) error { c.Scope = step.scope; return nil }, nil)
				must(t, err)
				wantSame(t, id+" with "+step.scope, o.client(t, id).OperatorScope, step.want)
			}
		}
	})
}

// The document of a sector is fetched only for redirect URIs that were not verified with it.
func TestSetMetadataVerifiesTheSectorOnce(t *testing.T) {
	t.Parallel()
	known := client.Metadata{SectorIdentifierURI: "https://sector.example/gone.json", RedirectURIs: []string{"https://rp.example/cb"}}
	m := manage.Clients{Documents: sectors{}}
	c := &client.Client{Metadata: known}
	changed := known
	changed.ClientName = "renamed"
	must(t, m.SetMetadata(t.Context(), c, changed))
	wantSame(t, "metadata", c.Metadata, changed)
	more := changed
	more.RedirectURIs = append(more.RedirectURIs, "https://rp.example/other")
	wantErr(t, "SetMetadata", m.SetMetadata(t.Context(), c, more), client.ErrSector)
	wantSame(t, "metadata after a refusal", c.Metadata, changed)
}

// An update that cannot read or write the client reports a failure of the server.
func TestClientsWithoutDatabase(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.newClient(t, "rp")
		ctx, cancel := context.WithCancel(t.Context())
		_, err := o.clients.Update(ctx, "rp", func(c *client.Client) error { cancel(); return nil }, nil)
		if outcome, _ := outcomeOf(err); outcome != "failed" {
			t.Errorf("Update = %v, want a failure of the server", err)
		}
		wantSame(t, "version", o.client(t, "rp").Version, int64(1))
	})
}
