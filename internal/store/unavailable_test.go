package store_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// call calls one method of a repository.
type call = func(context.Context, *store.Store) error

// methods calls every method that uses the database: those of requests and those of
// operators.
func methods() map[string]call {
	all := maps.Clone(requestMethods)
	maps.Copy(all, operatorMethods)
	maps.Copy(all, secondFactorMethods)
	maps.Copy(all, peopleMethods)
	maps.Copy(all, linkMethods)
	maps.Copy(all, invitationMethods)
	maps.Copy(all, backchannelMethods)
	return all
}

var requestMethods = map[string]call{
	"AwaitDatabase":   func(ctx context.Context, s *store.Store) error { return s.AwaitDatabase(ctx, 0) },
	"Ping":            func(ctx context.Context, s *store.Store) error { return s.Ping(ctx) },
	"Migrate":         func(ctx context.Context, s *store.Store) error { _, err := s.Migrate(ctx); return err },
	"MigrationStatus": func(ctx context.Context, s *store.Store) error { _, err := s.MigrationStatus(ctx); return err },
	"CheckSchema":     func(ctx context.Context, s *store.Store) error { return s.CheckSchema(ctx) },
	"Purge":           func(ctx context.Context, s *store.Store) error { _, err := s.Purge(ctx, noon); return err },

	"Client": func(ctx context.Context, s *store.Store) error { _, err := s.Clients.Client(ctx, "rp"); return err },
	"InsertClient": func(ctx context.Context, s *store.Store) error {
		return s.Clients.InsertClient(ctx, fixture.Client("new"))
	},
	"InsertClients": func(ctx context.Context, s *store.Store) error {
		return s.Clients.InsertClients(ctx, []*client.Client{fixture.Client("new")})
	},
	"UpdateClient": func(ctx context.Context, s *store.Store) error {
		return s.Clients.UpdateClient(ctx, fixture.Client("rp"))
	},
	"UpdateClientDroppingConsents": func(ctx context.Context, s *store.Store) error {
		return s.Clients.UpdateClientDroppingConsents(ctx, fixture.Client("rp"))
	},
	"ReplaceClientSecret": func(ctx context.Context, s *store.Store) error {
		return s.Clients.ReplaceClientSecret(ctx, "rp", "old", "new")
	},
	"DeleteClient": func(ctx context.Context, s *store.Store) error { return s.Clients.DeleteClient(ctx, "rp") },
	"ListClients": func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.ListClients(ctx, "", 1)
		return err
	},
	"EndClientTokens": func(ctx context.Context, s *store.Store) error { return s.Clients.EndClientTokens(ctx, "rp", noon) },
	"ImportClients": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Clients.ImportClients(ctx, []*client.Client{fixture.Client("new")})
		return err
	},

	"Account": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.Account(ctx, "alice")
		return err
	},
	"AccountByUsername": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.AccountByUsername(ctx, "a")
		return err
	},
	"AccountsByUsername": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.AccountsByUsername(ctx, []string{"a", "b"})
		return err
	},
	"InsertAccount": func(ctx context.Context, s *store.Store) error {
		return s.Accounts.InsertAccount(ctx, fixture.Account("new"))
	},
	"ListAccounts": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.ListAccounts(ctx, "", 1)
		return err
	},
	"SetPassword": func(ctx context.Context, s *store.Store) error {
		return s.Accounts.SetPassword(ctx, "alice", "$", noon)
	},
	"SetDisabled": func(ctx context.Context, s *store.Store) error {
		return s.Accounts.SetDisabled(ctx, "alice", true, noon)
	},
	"DeleteAccount": func(ctx context.Context, s *store.Store) error { return s.Accounts.DeleteAccount(ctx, "alice", noon) },
	"ChangeProfile": func(ctx context.Context, s *store.Store) error {
		return s.Accounts.ChangeProfile(ctx, "alice", noon, func(*account.Account) error { return nil })
	},
	"ChangeAccount": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.ChangeAccount(ctx, "alice", noon, func(*account.Account) error { return nil })
		return err
	},
	"RenewPasswordHash": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.RenewPasswordHash(ctx, "alice", "old", "new")
		return err
	},
	"SampleHashes": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.SampleHashes(ctx, 10)
		return err
	},
	"KnownSource": func(ctx context.Context, s *store.Store) error {
		_, err := s.SignInSources.KnownSource(ctx, account.NewSignInSource("alice", "device", "network"), noon)
		return err
	},
	"NoteSource": func(ctx context.Context, s *store.Store) error {
		return s.SignInSources.NoteSource(ctx, fixture.Account("alice"), account.NewSignInSource("alice", "device", "network"), session.Origin{}, noon)
	},
	"EndLockdown": func(ctx context.Context, s *store.Store) error { return s.Accounts.EndLockdown(ctx, "alice", noon) },
	"LockAccount": func(ctx context.Context, s *store.Store) error { return s.Accounts.LockAccount(ctx, "alice", noon) },
	"HasAdministrator": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.HasAdministrator(ctx)
		return err
	},
	"InsertSetupLink": func(ctx context.Context, s *store.Store) error {
		return s.SetupLinks.InsertSetupLink(ctx, []byte{1}, noon)
	},
	"SetupLink": func(ctx context.Context, s *store.Store) error { return s.SetupLinks.SetupLink(ctx, []byte{1}, noon) },
	"RedeemSetupLink": func(ctx context.Context, s *store.Store) error {
		return s.SetupLinks.RedeemSetupLink(ctx, []byte{1}, fixture.Account("new"), nil, "192.0.2.1", noon)
	},
	"ImportAccounts": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Accounts.ImportAccounts(ctx, imports(fixture.Account("new")))
		return err
	},
	"TryImport": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Accounts.TryImport(ctx, imports(fixture.Account("new")))
		return err
	},

	"InsertSession": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil)
	},
	"RenewSession": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.RenewSession(ctx, fixture.CookieHash("sid"), fixture.Session("sid", "alice"))
	},
	"Session": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.Session(ctx, "sid", noon)
		return err
	},
	"SessionAndConsent": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Sessions.SessionAndConsent(ctx, fixture.CookieHash("sid"), "rp", noon)
		return err
	},
	"TouchSession": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.TouchSession(ctx, fixture.CookieHash("sid"), session.Origin{}, noon, noon)
	},
	"ExtendSession": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.ExtendSession(ctx, fixture.Session("sid", "alice"), noon)
	},
	"EndSession": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.EndSession(ctx, "sid", noon)
		return err
	},
	"EndSessionsOf": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.EndSessionsOf(ctx, "alice", noon)
		return err
	},
	"RecentSessions": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.RecentSessions(ctx, "alice", nil, 1, noon)
		return err
	},
	"CountSessions": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.CountSessions(ctx, "alice", noon)
		return err
	},
	"EndSessionOf": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.EndSessionOf(ctx, "alice", "sid", noon)
	},
	"EndOtherSessions": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.EndOtherSessions(ctx, "alice", "sid", noon)
		return err
	},
	"ReplacePassword": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.ReplacePassword(ctx, fixture.Account("alice"), "hash", "sid", noon)
	},
	"Applications": func(ctx context.Context, s *store.Store) error {
		_, err := s.Consents.Applications(ctx, "alice", noon)
		return err
	},
	"ListSessions": func(ctx context.Context, s *store.Store) error {
		_, err := s.Sessions.ListSessions(ctx, "", "", 1, noon)
		return err
	},

	"JoinSession": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.JoinSession(ctx, "sid", "rp", "", noon)
	},
	"DueNotices": func(ctx context.Context, s *store.Store) error { _, err := s.Outbox.DueNotices(ctx); return err },
	"ClaimNotice": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox.ClaimNotice(ctx, "rp", noon, noon)
		return err
	},
	"PostponeNotice": func(ctx context.Context, s *store.Store) error {
		return s.Outbox.PostponeNotice(ctx, &outbox.Notice{}, noon)
	},
	"EndNotice": func(ctx context.Context, s *store.Store) error {
		return s.Outbox.EndNotice(ctx, &outbox.Notice{}, outbox.Failed, noon)
	},
	"ListNotices": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox.ListNotices(ctx, store.NoticeFilter{}, "", 1)
		return err
	},
	"NoticesInState": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox.NoticesInState(ctx, "failed", nil, 1)
		return err
	},
	"RetryFailedNotices": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox.RetryFailedNotices(ctx, noon)
		return err
	},
	"RetryNotice":  func(ctx context.Context, s *store.Store) error { return s.Outbox.RetryNotice(ctx, "id", noon) },
	"DeleteNotice": func(ctx context.Context, s *store.Store) error { return s.Outbox.DeleteNotice(ctx, "id") },

	"InsertDevice": func(ctx context.Context, s *store.Store) error { return s.Devices.InsertDevice(ctx, aDevice("rp")) },
	"PollDevice": func(ctx context.Context, s *store.Store) error {
		_, err := s.Devices.PollDevice(ctx, polling(aDevice("rp"), noon))
		return err
	},
	"DeviceByCode": func(ctx context.Context, s *store.Store) error {
		_, err := s.Devices.DeviceByCode(ctx, [][]byte{{1}}, noon)
		return err
	},
	"DenyDevice": func(ctx context.Context, s *store.Store) error {
		return s.Devices.DenyDevice(ctx, grant.Locator{}, noon)
	},
	"AllowDevice": func(ctx context.Context, s *store.Store) error {
		return s.Devices.AllowDevice(ctx, fixture.Grant("rp", "alice"), noon)
	},
	"AnswerDevice": func(ctx context.Context, s *store.Store) error {
		return s.Requests.AnswerDevice(ctx, "id", aDevice("rp"), someVerifier, noon)
	},
	"RedeemDevice": func(ctx context.Context, s *store.Store) error {
		return s.Requests.RedeemDevice(ctx, "id", someBrowser, someVerifier, noon)
	},

	"InsertLogoutRequest": func(ctx context.Context, s *store.Store) error {
		return s.LogoutRequests.InsertLogoutRequest(ctx, aSignOut("id"))
	},
	"LogoutRequest": func(ctx context.Context, s *store.Store) error {
		_, err := s.LogoutRequests.LogoutRequest(ctx, "id", noon)
		return err
	},
	"AnswerLogout": func(ctx context.Context, s *store.Store) error {
		return s.LogoutRequests.AnswerLogout(ctx, "id", authrequest.Accepted, someVerifier, noon)
	},
	"RedeemLogout": func(ctx context.Context, s *store.Store) error {
		_, err := s.LogoutRequests.RedeemLogout(ctx, "id", someVerifier, noon)
		return err
	},

	"SaveConsent": func(ctx context.Context, s *store.Store) error {
		return s.Consents.SaveConsent(ctx, &consent.Consent{GivenAt: noon})
	},
	"DeleteConsent": func(ctx context.Context, s *store.Store) error { return s.Consents.DeleteConsent(ctx, "alice", "rp") },
	"InsertRequest": func(ctx context.Context, s *store.Store) error {
		return s.Requests.InsertRequest(ctx, fixture.Request("request"))
	},
	"Request": func(ctx context.Context, s *store.Store) error {
		_, err := s.Requests.Request(ctx, "request", noon)
		return err
	},
	"RequestClient": func(ctx context.Context, s *store.Store) error {
		_, err := s.Requests.RequestClient(ctx, "request", nil, nil)
		return err
	},
	"RecordChoice": func(ctx context.Context, s *store.Store) error {
		return s.Requests.RecordChoice(ctx, "request", "sid", noon)
	},
	"RecordSignIn": func(ctx context.Context, s *store.Store) error {
		return s.Requests.RecordSignIn(ctx, "request", "sid", noon, noon)
	},
	"RecordDecision": func(ctx context.Context, s *store.Store) error {
		return s.Requests.RecordDecision(ctx, "request", authrequest.Denied, "alice", nil, noon)
	},

	"Resume": func(ctx context.Context, s *store.Store) error {
		_, _, _, err := s.Requests.Resume(ctx, "request", fixture.CookieHash("sid"), noon)
		return err
	},
	"AnswerLogin": func(ctx context.Context, s *store.Store) error {
		return s.Requests.AnswerLogin(ctx, "request", "alice", &authrequest.LoginAnswer{}, nil, noon)
	},
	"RedeemLogin": func(ctx context.Context, s *store.Store) error {
		_, err := s.Requests.RedeemLogin(ctx, "request", nil, nil, noon)
		return err
	},
	"ConsentRequest": func(ctx context.Context, s *store.Store) error {
		_, _, _, err := s.Requests.ConsentRequest(ctx, "request", noon)
		return err
	},
	"AnswerConsent": func(ctx context.Context, s *store.Store) error {
		return s.Requests.AnswerConsent(ctx, "request", &authrequest.ConsentAnswer{}, nil, 0, noon)
	},

	"InsertGrant": func(ctx context.Context, s *store.Store) error {
		return s.Grants.InsertGrant(ctx, fixture.Grant("rp", "alice"))
	},
	"RedeemCode": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Now: noon})
		return err
	},
	"RotateRefresh": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.RotateRefresh(ctx, grant.RefreshRotation{Now: noon, ExpiresAt: noon})
		return err
	},
	"LiveGrant": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.LiveGrant(ctx, grant.Locator{}, "", noon)
		return err
	},
	"WhyInactive": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.WhyInactive(ctx, grant.Locator{}, "", noon)
		return err
	},
	"InsertPushed": func(ctx context.Context, s *store.Store) error {
		return s.PushedRequests.InsertPushed(ctx, &authrequest.Pushed{ID: "pushed"})
	},
	"Pushed": func(ctx context.Context, s *store.Store) error {
		_, _, _, err := s.PushedRequests.Pushed(ctx, "pushed", nil, noon)
		return err
	},
	"Seed":       func(ctx context.Context, s *store.Store) error { _, err := s.Seeds.Seed(ctx, "a name"); return err },
	"LiveClient": func(ctx context.Context, s *store.Store) error { return s.Grants.LiveClient(ctx, "rp", "", noon, noon) },
	"RevokeGrant": func(ctx context.Context, s *store.Store) error {
		return s.Grants.RevokeGrant(ctx, grant.Locator{}, "", "", noon)
	},
	"DenyToken": func(ctx context.Context, s *store.Store) error { return s.Grants.DenyToken(ctx, "jti", noon) },
	"ListGrants": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.ListGrants(ctx, store.GrantFilter{}, grant.Locator{}, 1, noon)
		return err
	},

	"ClaimAll": func(ctx context.Context, s *store.Store) error {
		return s.Replay.ClaimAll(ctx, noon, onetime.Value{Key: "a"}, onetime.Value{Key: "b"})
	},
	"ClaimOnce": func(ctx context.Context, s *store.Store) error {
		_, err := s.Replay.ClaimOnce(ctx, "", "", "", noon, noon)
		return err
	},
	"CountAttempt": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Throttle.CountAttempt(ctx, "k", 1, noon)
		return err
	},
	"AttemptCount": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Throttle.AttemptCount(ctx, "k", noon)
		return err
	},
	"FailuresInRow": func(ctx context.Context, s *store.Store) error {
		_, err := s.Throttle.FailuresInRow(ctx, "k")
		return err
	},
	"AddFailure":    func(ctx context.Context, s *store.Store) error { return s.Throttle.AddFailure(ctx, "k", noon) },
	"ResetFailures": func(ctx context.Context, s *store.Store) error { return s.Throttle.ResetFailures(ctx, "k") },
	"ResetAttempts": func(ctx context.Context, s *store.Store) error { return s.Throttle.ResetAttempts(ctx, "k") },
	"LoadKeys":      func(ctx context.Context, s *store.Store) error { _, _, err := s.Keys.LoadKeys(ctx); return err },
	"SaveKeys":      func(ctx context.Context, s *store.Store) error { return s.Keys.SaveKeys(ctx, 0, []jwks.Record{}, nil) },
}

func TestEveryMethodIsCalled(t *testing.T) {
	t.Parallel()

	quiet := []string{
		"Close", "Connections", "Engine", "Statements", "RunPurge", "Sizes", "Mistakes",
		"Changes", "DeferWaits", "Settle", "Unsettled", "Follow", "Join", "Replicas", "ChangeCounter", "SetChangeCounter", "Setting",
		"CheckRights", "CheckWritable", "BoundFailures", "BoundAnonymousMails", "NotifyUsers", "BoundPasswordFailures", "BoundAttemptCounters", "DisableInactive", "BoundSignUps", "RunSearchWords",
	} // these do not apply to a SQLite file, or before there is a replica
	want := slices.Sorted(maps.Keys(methods()))
	var got []string
	types := []reflect.Type{reflect.TypeFor[*store.Store]()}
	for field := range reflect.TypeFor[store.Store]().Fields() {
		if field.IsExported() {
			types = append(types, field.Type)
		}
	}
	for _, of := range types {
		for method := range of.Methods() {
			if !slices.Contains(quiet, method.Name) {
				got = append(got, method.Name)
			}
		}
	}
	slices.Sort(got)
	got = slices.Compact(got) // methods of different repositories can have the same name
	wantSame(t, "methods of a store as against those called here", got, want)
}

func TestLostDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()

	for name, lose := range map[string]func(*testing.T) *store.Store{
		"no server listens": func(t *testing.T) *store.Store {
			t.Helper()
			return storetest.Open(t, "postgres://unknown@/none?host="+t.TempDir())
		},
		"the file is closed": func(t *testing.T) *store.Store {
			t.Helper()
			s := storetest.New(t)
			s.Close()
			return s
		},
		"the pool is closed": func(t *testing.T) *store.Store {
			t.Helper()
			s := storetest.Open(t, storetest.MigratedURL(t))
			s.Close()
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lose(t)
			for method, call := range methods() {
				if err := call(t.Context(), s); !isUnavailable(err) {
					t.Errorf("%s = %v, want it unavailable", method, err)
				}
			}
		})
	}
}

func TestTimeoutIsUnavailable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		defer cancel()
		for method, call := range methods() {
			if err := call(ctx, s); !isUnavailable(err) {
				t.Errorf("%s = %v, want it unavailable", method, err)
			}
		}
	})
}
