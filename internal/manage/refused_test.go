package manage_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// The types of errors that callers map to a response below 500.
var (
	errClient = &manage.InvalidClientError{}
	errScope  = &manage.InvalidScopeError{}
	errKey    = &manage.InvalidKeyError{}
)

// wraps reports whether an error wraps want, or an error of its type if that is one of manage.
func wraps(err, want error) (ok bool) {
	switch want {
	case nil:
		return true
	case errClient: //nolint:errorlint // the type of the error itself
		_, ok = errors.AsType[*manage.InvalidClientError](err)
	case errScope:
		_, ok = errors.AsType[*manage.InvalidScopeError](err)
	case errKey:
		_, ok = errors.AsType[*manage.InvalidKeyError](err)
	default:
		ok = errors.Is(err, want)
	}
	return ok
}

// refusal is an invalid change.
type refusal struct {
	change func(context.Context, *operator) error
	is     error  // that the error wraps, or of whose type of this package it wraps one; nil for any
	text   string // that the error contains
}

// unchanged is a change of a client that only the store or Authorize can refuse.
func unchanged(*client.Client) error { return nil }

// withMethod returns the metadata of a client with a method of authentication.
func withMethod(method string) client.Metadata {
	return client.Metadata{ClientName: "App", RedirectURIs: []string{"https://rp.example/cb"}, TokenEndpointAuthMethod: method}
}

func create(c *client.Client, secret string) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		_, err := o.clients.Create(ctx, c, secret, nil)
		return err
	}
}

func update(id string, change func(context.Context, *operator, *client.Client) error) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		_, err := o.clients.Update(ctx, id, func(c *client.Client) error { return change(ctx, o, c) }, nil)
		return err
	}
}

func importClients(text string) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		_, _, err := o.clientIn.Import(ctx, []byte(text))
		return err
	}
}

var (
	errForbidden = errors.New("the caller lacks a scope")
	errCalled    = errors.New("the change was reported as made")
)

func refusedClients() map[string]refusal {
	elsewhere := client.Metadata{SectorIdentifierURI: "https://sector.example/rp.json", RedirectURIs: []string{"https://other.example/cb"}}
	return map[string]refusal{
		"a client_id with a space": {func(context.Context, *operator) error {
			_, err := manage.ClientID("a b")
			return err
		}, errClient, "client_id must be 1 to 255 visible ASCII characters"},
		"a client with a used client_id": {create(&client.Client{ID: "rp", Metadata: withMethod(client.AuthBasic)}, ""), client.ErrExists, ""},
		"a client named like a subject":  {create(&client.Client{ID: "alice", Metadata: withMethod(client.AuthNone)}, ""), client.ErrIsSubject, ""},
		"a client with a short secret":   {create(&client.Client{ID: "new", Metadata: withMethod(client.AuthBasic)}, "short"), errClient, "client_secret must be 6 to 512 printable ASCII"},
		"a client with a short HMAC key": {create(&client.Client{ID: "new", Metadata: withMethod(client.AuthSecretJWT)}, "long enough"), errClient, "client_secret must have at least 32"},
		"a client of another's sector":   {create(&client.Client{ID: "new", Metadata: elsewhere}, ""), client.ErrSector, ""},
		"a client of an unknown sector":  {create(&client.Client{ID: "new", Metadata: client.Metadata{SectorIdentifierURI: "https://sector.example/"}}, ""), client.ErrSector, ""},
		"a client that Authorize refuses": {func(ctx context.Context, o *operator) error {
			_, err := o.clients.Create(ctx, &client.Client{ID: "new", Metadata: withMethod(client.AuthBasic)}, "", func(*client.Client) error { return errForbidden })
			return err
		}, errForbidden, ""},
		"an update that Authorize refuses": {func(ctx context.Context, o *operator) error {
			_, err := o.clients.Update(ctx, "rp", unchanged, func(_, _ *client.Client) error { return errForbidden })
			return err
		}, errForbidden, ""},
		"an update of an unknown client": {update("unknown", func(context.Context, *operator, *client.Client) error { return nil }), client.ErrNotFound, ""},
		"an update that fails": {update("rp", func(_ context.Context, _ *operator, c *client.Client) error {
			c.ClientName = "changed"
			return manage.InvalidMetadata([]client.Fault{{Code: client.InvalidRedirectURI, Member: "redirect_uris", Reason: "must be URIs"}})
		}), errClient, "redirect_uris must be URIs"},
		"metadata of another's sector": {update("rp", func(ctx context.Context, o *operator, c *client.Client) error {
			return o.clients.SetMetadata(ctx, c, elsewhere)
		}), client.ErrSector, ""},
		"a secret with a line break": {update("rp", func(ctx context.Context, o *operator, c *client.Client) error {
			c.TokenEndpointAuthMethod = client.AuthBasic
			_, err := o.clients.SetSecret(ctx, c, "a secret\nwith a break", false)
			return err
		}), errClient, "printable ASCII"},
		"a rotated secret of a public client": {update("rp", func(ctx context.Context, o *operator, c *client.Client) error {
			c.TokenEndpointAuthMethod = client.AuthNone
			_, err := o.clients.RotateSecret(ctx, c, time.Hour)
			return err
		}), errClient, "token_endpoint_auth_method must be one with a client secret, not none"},
		"clients that are not JSON":      {importClients(`{`), nil, "read clients"},
		"a client without redirect URIs": {importClients(`[{"client_id":"new","client_secret":"0123456789"}]`), nil, `entry 1 ("new"): redirect_uris`},
		"one valid and one invalid client": {importClients(`[{"client_id":"new","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none"},
			{"client_id":"a b","redirect_uris":["https://a.example/"]}]`), nil, `entry 2 ("a b"): client_id must be`},
		"a client whose secret would be generated": {importClients(`[{"client_id":"new","redirect_uris":["https://a.example/"]}]`), nil, `entry 1 ("new"): client_secret is missing`},
		"an imported client of another's sector": {importClients(`[{"client_id":"new","redirect_uris":["https://a.example/"],"client_secret":"0123456789",
			"subject_type":"pairwise","sector_identifier_uri":"https://sector.example/rp.json"}]`), client.ErrSector, `entry 1 ("new")`},
		"an imported client named like a subject": {importClients(`[{"client_id":"new","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none"},
			{"client_id":"alice","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none"}]`), client.ErrIsSubject, "import client 2 (alice)"},
	}
}

func newUser(u manage.NewUser) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		_, err := o.users.Create(ctx, u)
		return err
	}
}

func importUsers(text string) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		_, _, err := o.userIn.Import(ctx, []byte(text))
		return err
	}
}

// onUnknown calls a change of an account that was deleted since it was read.
func onUnknown(change func(context.Context, *operator, *account.Account) error) func(context.Context, *operator) error {
	return func(ctx context.Context, o *operator) error {
		return change(ctx, o, &account.Account{Subject: "unknown"})
	}
}

func refusedUsers() map[string]refusal {
	external := account.NewExternal("external", noon)
	return map[string]refusal{
		"a user with a used name":      {newUser(manage.NewUser{Username: " NAME-of-alice ", Password: password}), account.ErrExists, ""},
		"a user with a space":          {newUser(manage.NewUser{Username: "a b", Password: password}), account.ErrBadUsername, ""},
		"a user with a short password": {newUser(manage.NewUser{Username: "carol", Password: "short"}), credential.ErrBadPassword, ""},
		"a user with a wrong claim":    {newUser(manage.NewUser{Username: "carol", Password: password, Claims: map[string]any{"email": true}}), nil, "claims.email must be a string"},
		"a user with protocol claims":  {newUser(manage.NewUser{Username: "carol", Password: password, Claims: map[string]any{"sub": "x", "aud": nil}}), nil, "claims.aud must be absent: the server sets it\nclaims.sub"},
		"an unknown user to find":      {func(ctx context.Context, o *operator) error { _, err := o.users.Find(ctx, "Carol"); return err }, nil, "no user has the username carol"},
		"an invalid username to find":  {func(ctx context.Context, o *operator) error { _, err := o.users.Find(ctx, "a b"); return err }, account.ErrBadUsername, ""},
		"a used username to check": {func(ctx context.Context, o *operator) error {
			_, err := o.users.CheckUsername(ctx, "name-of-Bob")
			return err
		}, account.ErrExists, ""},
		"a malformed username to check": {func(ctx context.Context, o *operator) error { _, err := o.users.CheckUsername(ctx, ""); return err }, account.ErrBadUsername, ""},
		"a changed claim of a wrong type": {func(ctx context.Context, o *operator) error {
			_, err := o.users.Update(ctx, &account.Account{Subject: "alice"}, manage.UserChange{SetClaims: map[string]any{"name": "Alice", "updated_at": "now"}})
			return err
		}, nil, "claims.updated_at must be a number"},
		"a changed password that is too short": {func(ctx context.Context, o *operator) error {
			return o.users.SetPassword(ctx, &account.Account{Subject: "alice", Username: "name-of-alice"}, "short")
		}, credential.ErrBadPassword, ""},
		"a password for an external user": {func(ctx context.Context, o *operator) error { return o.users.SetPassword(ctx, external, password) }, manage.ErrNoPassword, ""},
		"a password for an unknown user": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error {
			return o.users.SetPassword(ctx, a, password)
		}), account.ErrNotFound, ""},
		"an unknown user to update": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error {
			_, err := o.users.Update(ctx, a, manage.UserChange{})
			return err
		}), account.ErrNotFound, ""},
		"an unknown user to disable": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error {
			_, err := o.users.Disable(ctx, a)
			return err
		}), account.ErrNotFound, ""},
		"an unknown user to enable": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error { return o.users.Enable(ctx, a) }), account.ErrNotFound, ""},
		"an unknown user to unlock": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error { return o.users.Unlock(ctx, a) }), account.ErrNotFound, ""},
		"an unknown user to delete": {onUnknown(func(ctx context.Context, o *operator, a *account.Account) error { return o.users.Delete(ctx, a) }), account.ErrNotFound, ""},
		"users that are not JSON":   {importUsers("[\n{\"username\":}]"), nil, "line 2: not JSON"},
		"no list of users":          {importUsers(`{"user":[]}`), nil, "must be an array, or an object with an array users"},
		"one valid and many invalid users": {
			importUsers(`[{"username":"carol","password":"` + password + `"}, 7, {"password":"short"},
			{"username":"dave","pasword":"x","claims":{"sub":"x"}}, {"username":"CAROL"}, {"username":"erin","password_hash":"md5"}]`),
			nil, strings.Join([]string{
				`entry 2: must be a JSON object`, `entry 3: username is missing`, `entry 3: password: a password has 8 to 128 characters`,
				`entry 4 ("dave"): claims.sub must be absent: the server sets it`, `entry 4 ("dave"): "pasword" is unknown; did you mean password?`,
				`entry 5 ("carol"): username is that of entry 1`, `entry 6 ("erin"): password_hash must be argon2, bcrypt`,
			}, "\n"),
		},
		"a user with two passwords": {
			importUsers(`[{"username":"carol","password":"` + password + `","password_hash":"` + bcrypt + `"}]`),
			nil, `entry 1 ("carol"): password and password_hash exclude each other`,
		},
		"a new user without a password": {importUsers(`[{"username":"carol"}]`), nil, `entry 1 ("carol"): password or password_hash is required`},
	}
}

// refusedOthers are invalid changes next to a known grant and a known notice.
func refusedOthers(known *grant.Grant, notice string) map[string]refusal {
	uncalled := func(string) error { return errCalled }
	unknown := grant.NewID(noon).String()
	keys := `{"keys":[` + strings.TrimSuffix(strings.Repeat(symmetricKey+`,`, keyset.MaxKeys+1), ",") + `]}`
	return map[string]refusal{
		"an API key with an unknown scope": {func(ctx context.Context, o *operator) error {
			_, _, err := o.apiKeys.Create(ctx, manage.NewAPIKey{Name: "ci", Scopes: []string{"clients:read", "clients:all"}}, func(string) {})
			return err
		}, nil, "unknown scope clients:all: use one of clients:read, "},
		"an API key that has expired": {func(ctx context.Context, o *operator) error {
			_, _, err := o.apiKeys.Create(ctx, manage.NewAPIKey{Name: "ci", Scopes: []string{"clients:read"}, Lifetime: -time.Hour}, func(string) {})
			return err
		}, nil, "must not be negative"},
		"one known and two unknown API keys": {func(ctx context.Context, o *operator) error {
			return o.apiKeys.Revoke(ctx, []string{"key", "x", "y"}, uncalled)
		}, nil, "nothing was revoked:\nx: API key not found\ny: API key not found"},
		"one known and two unknown sessions": {func(ctx context.Context, o *operator) error {
			return o.sessions.End(ctx, []string{"sid", "x", "y"}, uncalled)
		}, nil, "nothing was revoked:\nx: no active session has this ID\ny: no active session"},
		"a known, an unknown and a malformed grant": {func(ctx context.Context, o *operator) error {
			return o.grants.Revoke(ctx, []string{known.ID.String(), unknown, "xyz"}, func(grant.ID) error { return errCalled })
		}, nil, "nothing was revoked:\n" + unknown + ": no active grant has this ID\nxyz: a grant id has 32 hexadecimal digits"},
		"notices to delete, one unknown": {func(ctx context.Context, o *operator) error {
			return o.notices.Delete(ctx, []string{notice, "x"}, uncalled)
		}, nil, "nothing was deleted:\nx: no notice has this ID"},
		"notices to retry, one unknown": {func(ctx context.Context, o *operator) error {
			count, err := o.notices.Retry(ctx, []string{notice, "x"})
			return errors.Join(err, errors.New(strconv.Itoa(count)+" retried"))
		}, nil, "nothing was retried:\nx: no undelivered notice has this ID\n0 retried"},
		"a scope that exists": {func(ctx context.Context, o *operator) error {
			return o.scopes.Create(ctx, &scope.Scope{Name: "stored"})
		}, scope.ErrExists, ""},
		"a standard scope": {func(ctx context.Context, o *operator) error {
			return o.scopes.Create(ctx, withClaims("email", "email", "email_verified"))
		}, scope.ErrExists, ""},
		"a scope with a space": {func(ctx context.Context, o *operator) error { return o.scopes.Create(ctx, &scope.Scope{Name: "a b"}) }, errScope, "name must be 1 to 255"},
		"a scope with a quote": {func(ctx context.Context, o *operator) error { return o.scopes.Create(ctx, &scope.Scope{Name: `a"b`}) }, errScope, "name must be 1 to 255"},
		"a scope of the admin API": {func(ctx context.Context, o *operator) error {
			return o.scopes.Create(ctx, &scope.Scope{Name: "clients:write", SelfRegistration: true})
		}, errScope, "self_registration must be false for clients:write"},
		"an unknown scope": {func(ctx context.Context, o *operator) error {
			return o.scopes.Update(ctx, &scope.Scope{Name: "unknown"})
		}, scope.ErrNotFound, ""},
		"a changed invalid scope": {func(ctx context.Context, o *operator) error { return o.scopes.Update(ctx, withClaims("stored", "aud")) }, errScope, "claims must not hold aud"},
		"a key of an unknown kind": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Generate(ctx, "set", "HS256", "", "")
			return err
		}, errKey, "alg must be one of"},
		"a key with a used kid": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Generate(ctx, "set", "EdDSA", "", "hs")
			return err
		}, keyset.ErrExists, ""},
		"a key with another kid": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Put(ctx, "set", "kid", []byte(symmetricKey))
			return err
		}, errKey, "kid differs"},
		"a key that is not JSON": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Import(ctx, "set", []byte(`{`))
			return err
		}, errKey, "key"},
		"a key set with one bad key": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Import(ctx, "other", []byte(`{"keys":[`+symmetricKey+`,{}]}`))
			return err
		}, errKey, "key 2: "},
		"a key set that replaces, with one bad key": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Replace(ctx, "set", []byte(`{"keys":[`+symmetricKey+`,{}]}`))
			return err
		}, errKey, "key 2: "},
		"a key set with too many keys": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Replace(ctx, "set", []byte(keys))
			return err
		}, errKey, "at most 100 keys"},
		"a key beyond those of the set": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Generate(ctx, "full", "EdDSA", "", "")
			return err
		}, keyset.ErrFull, ""},
		"an imported key beyond those of the set": {func(ctx context.Context, o *operator) error {
			_, err := o.keySets.Import(ctx, "full", []byte(symmetricKey))
			return err
		}, keyset.ErrFull, ""},
		"a reserved key set":  {func(context.Context, *operator) error { return manage.CheckKeySetName("hydra.openid.id-token") }, nil, "manage them with ostiary keys"},
		"an unnamed key set":  {func(context.Context, *operator) error { return manage.CheckKeySetName("") }, nil, "the name of a key set must be"},
		"a key set of spaces": {func(context.Context, *operator) error { return manage.CheckKeySetName("a b") }, nil, "the name of a key set must be"},
	}
}

// A refused change writes nothing, has the outcome refused in the audit log, and its error
// names the fault.
func TestRefusedChangeWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		known := o.seed(t)
		o.seedOthers(t)
		before := o.records(t)
		for _, table := range []map[string]refusal{refusedClients(), refusedUsers(), refusedOthers(known, before.Notices[0].ID)} {
			for name, tc := range table {
				e := audit.NewEvent("test", name, audit.Actor{}, noon)
				err := o.audited(t).Change(t.Context(), []*audit.Event{e}, func(ctx context.Context) error { return tc.change(ctx, o) })
				if err == nil || unavailable.Is(err) || !wraps(err, tc.is) || !strings.Contains(err.Error(), tc.text) {
					t.Errorf("%s = %v, want %v with %q", name, err, tc.is, tc.text)
				}
				checkReason(t, name, err)
				if got := o.stored(t, e); got == nil || got.Outcome != audit.Refused {
					t.Errorf("%s: the event is %+v, want the outcome refused", name, got)
				}
				after := o.records(t)
				wantSame(t, "the records after "+name, after, before)
				before = after
			}
		}
	})
}

// checkReason checks that a reason can be an error_description.
//
// Spec: RFC 6749 §5.2.
func checkReason(t *testing.T, name string, err error) {
	t.Helper()
	reason := ""
	if e, ok := errors.AsType[*manage.InvalidClientError](err); ok {
		reason = e.Reason
		if e.Code != client.InvalidMetadata && e.Code != client.InvalidRedirectURI {
			t.Errorf("%s has the code %q", name, e.Code)
		}
	}
	if e, ok := errors.AsType[*manage.InvalidScopeError](err); ok {
		reason = e.Reason
	}
	if strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		t.Errorf("%s has the reason %q, want printable ASCII without quotes", name, reason)
	}
}

// withClaims returns a scope that releases claims in userinfo.
func withClaims(name string, claims ...string) *scope.Scope {
	s := &scope.Scope{Name: name, Claims: map[string][]scope.Destination{}}
	for _, claim := range claims {
		s.Claims[claim] = []scope.Destination{scope.Userinfo}
	}
	return s
}

const symmetricKey = `{"kty":"oct","kid":"hs","alg":"HS256","use":"sig","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}`

// seedOthers adds the API key key, the scope stored, the key set set with the key hs, the key
// set full, and a notice of an ended session.
func (o *operator) seedOthers(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must(t, o.APIKeys.InsertAPIKey(ctx, &apikey.Key{ID: "key", Name: "ci", Hash: []byte("hash"), Scopes: []string{"clients:read"}, CreatedAt: noon}))
	must(t, o.scopes.Create(ctx, &scope.Scope{Name: "stored"}))
	_, err := o.keySets.Put(ctx, "set", "", []byte(symmetricKey))
	must(t, err)
	full := make([]*keyset.Key, keyset.MaxKeys)
	for i := range full {
		full[i] = &keyset.Key{Set: "full", KID: strconv.Itoa(i), Public: []byte(`{}`), CreatedAt: noon}
	}
	must(t, o.KeySets.PutKeys(ctx, full...))
	o.signIn(t, "ended")
	fixture.EndSession(t, o.Store, "ended", noon)
}
