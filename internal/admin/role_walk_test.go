package admin_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// callAs calls an operation within the process, as the console does for a user with the role.
func callAs(s *servertest.AppServer, role account.AdminRole, c admin.Call) error {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodGet, "/", http.NoBody)
	if err != nil {
		s.TB.Fatal(err)
	}
	c.Caller = admin.Caller{
		Actor: audit.Actor{Kind: audit.Administrator, ID: "tester " + string(role)},
		Holds: func(scope string) bool { return scope == "" || slices.Contains(apikey.RoleScopes(role), scope) },
	}
	_, err = s.App.AdminAPI.Call(r, c)
	return err
}

func isDenied(err error) bool {
	known, ok := errors.AsType[*httpapi.Error](err)
	return ok && known.Status == http.StatusForbidden
}

// Each role calls each operation: the scopes of the role decide, a denied change changes nothing, and
// is an event of the audit log.
func TestEachRoleCallsEachOperation(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, address string) {
		s := servertest.StartWithApps(t, storetest.Open(t, address), map[string]string{"admin_auth": "token"})
		before := storetest.Rows(t, address)
		for _, role := range append(account.AdminRoles(), account.NoAdminRole) {
			denied := 0
			for _, o := range s.App.AdminAPI.Operations() {
				if o.Do == nil {
					continue
				}
				holds := o.Scope == "" || slices.Contains(apikey.RoleScopes(role), o.Scope)
				if holds && o.Action != "" {
					continue // it would be made
				}
				path := map[string]string{}
				for name := range strings.SplitSeq(o.Path, "/") {
					if strings.HasPrefix(name, "{") {
						path[strings.Trim(name, "{}")] = "sub-of-ada"
					}
				}
				err := callAs(s, role, admin.Call{Operation: o.ID, Path: path, Body: map[string]any{}})
				if isDenied(err) == holds {
					t.Errorf("%s by %q: %v, want denied: %t", o.ID, role, err, !holds)
				}
				if missing, ok := errors.AsType[*apikey.MissingError](err); !holds && (!ok || !slices.Equal(missing.Scopes, []string{o.Scope})) {
					t.Errorf("%s by %q: %v does not name the scope %s", o.ID, role, err, o.Scope)
				}
				if o.Action != "" {
					denied++
				}
			}
			events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Actor: "tester " + string(role)}, "", 1000)
			servertest.Must(t, err)
			if len(events) != denied || slices.ContainsFunc(events, func(e *audit.Event) bool { return e.Outcome != audit.Refused || e.Status != http.StatusForbidden }) {
				t.Errorf("%q: %d events, want %d that are refused: %+v", role, len(events), denied, events)
			}
		}
		for table, rows := range storetest.Rows(t, address) {
			if rows != before[table] && !slices.Contains([]string{"replicas", "audit_events", "refusals"}, table) {
				t.Errorf("denied calls change %s from\n%s\nto\n%s", table, before[table], rows)
			}
		}
	})
}

// An administrator ends sessions, consents and tokens, and changes factors, links and sign-ins, only of
// users whose role has no more rights.
func TestAdministratorsReachNoOneAboveThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "registration": "closed"})
		addUser(s, "other", nil)
		signIns := []string{"deleteUserCredential", "resetUserFactors", "recoverUser", "inviteUser", "addUserAddress", "deleteUserAddress", "patchUser"}
		ada := servertest.SubjectOf(t, s.Server, "ada")
		setRole := func(role account.AdminRole) {
			t.Helper()
			for subject, role := range map[string]account.AdminRole{"sub-of-other": account.Owner, ada: role} {
				_, err := s.Store.Accounts.ChangeAccount(t.Context(), subject, s.Time(), func(a *account.Account) error {
					a.AdminRole = role
					return nil
				})
				servertest.Must(t, err)
			}
		}
		for _, target := range append(account.AdminRoles(), account.NoAdminRole) {
			for _, role := range account.AdminRoles() {
				setRole(account.NoAdminRole)
				s.NewBrowser().Code(servertest.AuthorizationRequest())
				sessions, err := s.Store.Sessions.ListSessions(t.Context(), ada, "", 1, s.Time())
				servertest.Must(t, err)
				grants, err := s.Store.Grants.ListGrantsWithoutConsent(t.Context(), ada, "", grant.Locator{}, 1, s.Time())
				if err != nil || len(sessions) != 1 || len(grants) != 1 {
					t.Fatalf("%d sessions, %d grants, %v", len(sessions), len(grants), err)
				}
				setRole(target)
				above := slices.ContainsFunc(apikey.RoleScopes(target), func(scope string) bool { return !slices.Contains(apikey.RoleScopes(role), scope) })
				subject := map[string]string{"subject": ada}
				for _, c := range []admin.Call{
					{Operation: "revokeOAuth2ConsentSessions", Query: url.Values{"consent_request_id": {grants[0].ID.String()}}},
					{Operation: "revokeOAuth2ConsentSessions", Query: url.Values{"subject": {ada}, "client": {"web"}}},
					{Operation: "revokeOAuth2ConsentSessions", Query: url.Values{"subject": {ada}, "all": {"true"}}},
					{Operation: "deleteOAuth2Token", Query: url.Values{"subject": {ada}}},
					{Operation: "deleteOAuth2Token", Query: url.Values{"subject": {ada}, "client_id": {"web"}}},
					{Operation: "deleteOAuth2Token", Query: url.Values{"session": {sessions[0].ID}}},
					{Operation: "deleteOAuth2Token", Query: url.Values{"grant": {grants[0].ID.String()}}},
					{Operation: "endUserSession", Path: map[string]string{"subject": ada, "sid": "unknown"}},
					{Operation: "deleteUserCredential", Path: map[string]string{"subject": ada, "id": "unknown"}},
					{Operation: "resetUserFactors", Path: subject},
					{Operation: "addUserAddress", Path: subject, Body: map[string]any{"address": "x"}},
					{Operation: "deleteUserAddress", Path: map[string]string{"subject": ada, "address": "unknown"}},
					{Operation: "endUserApplication", Path: map[string]string{"subject": ada, "client_id": "unknown"}},
					{Operation: "recoverUser", Path: subject},
					{Operation: "inviteUser", Path: subject},
					{Operation: "unlockUser", Path: subject},
					{Operation: "enableUser", Path: subject},
					{Operation: "revokeOAuth2LoginSessions", Query: url.Values{"sid": {sessions[0].ID}}},
					{Operation: "revokeOAuth2LoginSessions", Query: url.Values{"subject": {ada}}},
					{Operation: "endUserSessions", Path: subject},
					{Operation: "patchUser", Path: subject, Body: map[string]any{"admin_role": ""}},
				} {
					i := slices.IndexFunc(s.App.AdminAPI.Operations(), func(o admin.Operation) bool { return o.ID == c.Operation })
					holds := i >= 0 && slices.Contains(apikey.RoleScopes(role), s.App.AdminAPI.Operations()[i].Scope)
					// Only owners change how administrators sign in.
					ofOwner := target == account.Administrator && role != account.Owner && slices.Contains(signIns, c.Operation)
					if err := callAs(s, role, c); isDenied(err) != (above || ofOwner || !holds) {
						t.Errorf("%s %v of %q by %q: %v, want denied: %t", c.Operation, c.Query, target, role, err, above || ofOwner || !holds)
					}
				}
				_, err = s.Store.Sessions.Session(t.Context(), sessions[0].ID, s.Time())
				if may := !above && role != account.Auditor; (err != nil) != may {
					t.Errorf("the session of %q, ended by %q: %v", target, role, err)
				}
				_, err = s.Store.Sessions.EndSessionsOf(t.Context(), ada, s.Time())
				servertest.Must(t, errors.Join(err, s.Store.Grants.RevokeGrantsOf(t.Context(), ada, "", s.Time())))
			}
		}
	})
}
