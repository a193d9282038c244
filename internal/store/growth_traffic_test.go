package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/recoverycode"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

const (
	// stride is the time between two steps; it reaches every hour of the day.
	stride = 95 * time.Hour

	// Retention of the store after the end of a row and of a grant.
	rowStays   = time.Hour
	grantStays = 3 * time.Hour
	// A partition stays as long as a grant of its last minute can live.
	weekStays = 91 * day
)

// year is a database with its time and its traffic.
type year struct {
	t       *testing.T
	s       *store.Store
	outside *sql.DB
	keys    *jwks.Manager
	passes  chan struct{}

	steps      int
	now        time.Time
	ends       map[string][]time.Time // the ends of the rows of each table
	partitions map[grant.Partition]bool
	kept       []*grant.Grant  // refreshed in each step
	young      []grant.Locator // issued in this step
}

func newYear(t *testing.T, url string) *year {
	t.Helper()
	y := &year{
		t: t, s: storetest.Open(t, url), outside: openOutside(t, url), passes: make(chan struct{}, 1),
		now: noon, ends: map[string][]time.Time{}, partitions: map[grant.Partition]bool{},
	}
	secrets, err := keyring.New(strings.Repeat("s", 32))
	must(t, err)
	y.keys, err = jwks.New(jwks.Config{
		Store: watched{y.s.Keys, y.passes}, Keyring: secrets, Now: func() time.Time { return y.now },
		Algorithms: []jwks.Algorithm{jwks.ES256, jwks.EdDSA}, TokenLifetime: time.Hour,
	})
	must(t, err)
	must(t, y.keys.Start(t.Context()))
	fixture.Seed(t, y.s)
	must(t, y.s.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
	must(t, y.s.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff", CreatedAt: noon, UpdatedAt: noon}))
	_, err = y.s.Accounts.ChangeAccount(t.Context(), "alice", noon, func(a *account.Account) error {
		a.Groups, a.Attributes = []string{"staff"}, map[string]any{"team": "blue"}
		return nil
	})
	must(t, err)
	y.put("user_groups", 1000*day)
	must(t, y.s.Attributes.InsertAttribute(t.Context(), &account.Attribute{Name: "team", CreatedAt: noon, UpdatedAt: noon}))
	y.put("attributes", 1000*day)
	must(t, y.s.Resources.InsertResource(t.Context(), aResource("https://api.example")))
	y.put("resources", 1000*day)
	must(t, y.s.DetailTypes.InsertDetailType(t.Context(), &detail.Type{Name: "payment", CreatedAt: noon, UpdatedAt: noon}))
	y.put("detail_types", 1000*day)
	y.put("memberships", 1000*day)
	y.put("attribute_values", 1000*day)
	_, err = y.outside.ExecContext(t.Context(), `UPDATE addresses SET address = address WHERE subject = 'alice'`) // as the previous version
	must(t, err)
	y.put("stale_words", 1000*day)
	for range 10 { // name, of, alice, example, org
		y.put("account_words", 1000*day)
	}
	for range 2 {
		y.put("addresses", 1000*day)
		y.put("clients", 1000*day)
		y.put("accounts", 1000*day)
		y.put("credentials", 1000*day)
	}
	return y
}

// put records that a row of the table expires after so long.
func (y *year) put(table string, life time.Duration) {
	y.ends[table] = append(y.ends[table], y.now.Add(life))
}

// step is four days: the traffic of a moment, and the background work of the server.
func (y *year) step() {
	y.now = y.now.Add(stride)
	y.steps++
	y.young = nil
	y.users()
	y.machines()
	y.attackers()
	y.secondFactors()
	y.renewKeys()
	_, err := y.s.Purge(y.t.Context(), y.now)
	must(y.t, err)
	for _, ref := range y.young {
		fixture.WantLive(y.t, y.s, ref, y.now, true)
	}
	hour, week := grant.PartitionAt(y.now, false), grant.PartitionAt(y.now, true)
	for _, b := range []grant.Partition{hour, hour.Next(), week, week.Next()} {
		y.partitions[b] = true
	}
	if y.s.Engine() == "postgres" && y.steps%8 == 0 {
		y.vacuum()
	}
}

// users simulates users that sign in, consent, continue, and sign out or do not.
func (y *year) users() {
	ctx := y.t.Context()
	seen := y.session("seen", 14*day)
	y.put("sessions", 14*day+rowStays)
	y.request(seen, authrequest.Accepted, &consent.Consent{
		Subject: "alice", ClientID: "rp", SessionID: seen, Scopes: []string{"openid"}, GivenAt: y.now, ExpiresAt: y.now.Add(30 * day),
	})
	y.put("consents", 14*day+rowStays) // with its session
	must(y.t, y.s.Sessions.JoinSession(ctx, seen, "notified", "", y.now))
	y.put("participants", 14*day+rowStays)
	must(y.t, y.s.Sessions.TouchSession(ctx, fixture.CookieHash(seen), session.Origin{}, y.now.Add(time.Second), y.now.Add(14*day)))

	y.refreshAll()
	kept := y.grantOf(seen, true, 90*day, 90*day, nil)
	y.spend(kept)
	kept.RefreshGeneration = 1
	y.kept = append(y.kept, kept)
	y.grantEnds(kept, 90*day)
	left := y.grantOf(seen, true, 30*day, 90*day, nil)
	y.spend(left)
	y.grantEnds(left, 30*day)
	brief := y.brief(seen)
	y.spend(brief)
	y.young = []grant.Locator{kept.Locator, left.Locator, brief.Locator}
	y.brief(seen) // its code is not redeemed

	y.signOut()
	// The consent to another client in each step is stored for all sessions.
	must(y.t, y.s.Consents.SaveConsent(ctx, &consent.Consent{
		Subject: "bob", ClientID: fmt.Sprint("rp-", y.steps), Scopes: []string{"openid"}, GivenAt: y.now, ExpiresAt: y.now.Add(60 * day),
	}))
	y.put("consents", 60*day+rowStays)
}

// signOut ends a session and its grant. Delivery of the notice fails sometimes.
func (y *year) signOut() {
	ctx := y.t.Context()
	short := y.session("short", time.Hour)
	gone := y.grantOf(short, true, 30*day, 90*day, nil)
	y.spend(gone)
	y.grantEnds(gone, 0)
	must(y.t, y.s.Sessions.JoinSession(ctx, short, "notified", "", y.now))
	must(y.t, y.s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: "rp", SessionID: short, GivenAt: y.now}))
	pending := aSignOut(short)
	pending.CreatedAt, pending.ExpiresAt = y.now, y.now.Add(15*time.Minute)
	must(y.t, y.s.LogoutRequests.InsertLogoutRequest(ctx, pending))
	y.put("sign_outs", 15*time.Minute+rowStays)
	fixture.EndSession(y.t, y.s, short, y.now)
	n, err := y.s.Outbox.ClaimNotice(ctx, "notified", y.now, y.now.Add(time.Minute))
	must(y.t, err)
	state, kept := outbox.Delivered, day
	if y.steps%2 == 0 {
		state, kept = outbox.Failed, 30*day
	}
	must(y.t, y.s.Outbox.EndNotice(ctx, n, state, y.now))
	y.put("notices", kept+rowStays)
}

// refreshAll refreshes every grant that is kept alive, until it ends.
func (y *year) refreshAll() {
	y.kept = slices.DeleteFunc(y.kept, func(g *grant.Grant) bool { return !y.now.Before(g.EndsAt) })
	for _, g := range y.kept {
		_, err := y.s.Grants.RotateRefresh(y.t.Context(), grant.RefreshRotation{
			Ref: g.Locator, ClientID: "rp", Generation: g.RefreshGeneration, ExpiresAt: y.now.Add(30 * day), Now: y.now,
		})
		must(y.t, err)
		g.RefreshGeneration++
	}
}

// machines simulates services that send assertions, revoke tokens, get keys and a
// trusted issuer for a day, and register and delete clients.
func (y *year) machines() {
	ctx := y.t.Context()
	for i := range 3 {
		id := fmt.Sprint(y.steps, "-", i)
		_, err := y.s.Replay.ClaimOnce(ctx, "assertion", "rp", id, y.now.Add(time.Hour), y.now)
		must(y.t, err)
		y.put("replay", time.Hour+rowStays)
		must(y.t, y.s.Grants.DenyToken(ctx, id, y.now.Add(time.Hour)))
		y.put("revoked_tokens", time.Hour+rowStays)
	}
	id := fmt.Sprint("dynamic-", y.steps)
	c := fixture.Client(id)
	c.CreatedAt = y.now
	must(y.t, y.s.Clients.InsertClient(ctx, c))
	g := y.grantOf("", true, 30*day, 90*day, func(g *grant.Grant) { g.ClientID = id })
	y.spend(g)
	y.grantEnds(g, 0)
	must(y.t, y.s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: id, GivenAt: y.now}))
	must(y.t, y.s.Clients.DeleteClient(ctx, id))

	must(y.t, y.s.Clients.NoteUses(ctx, []client.Use{{ClientID: "rp", At: y.now}, {ClientID: fmt.Sprint("gone-", y.steps%100), At: y.now}}))
	y.ends["client_uses"] = slices.Repeat([]time.Time{y.now.Add(400 * day)}, 1+min(y.steps, 100)) // until the next use
	key := &apikey.Key{ID: id, Name: "nightly", Hash: []byte("hash"), CreatedAt: y.now, ExpiresAt: y.now.Add(day)}
	must(y.t, y.s.APIKeys.InsertAPIKey(ctx, key))
	y.put("api_keys", day+30*day+rowStays)

	must(y.t, y.s.KeySets.InsertKey(ctx, aSetKey("nightly", id)))
	must(y.t, y.s.KeySets.ReplaceKeySet(ctx, "nightly", []*keyset.Key{aSetKey("nightly", id)}))
	y.ends["set_keys"] = []time.Time{y.now.Add(1000 * day)} // until it is replaced
	event := audit.NewEvent("client.create", id, audit.Actor{Kind: audit.Command}, y.now)
	must(y.t, y.s.Audit.BeginEvent(ctx, event))
	event.Outcome = audit.Done
	must(y.t, y.s.Audit.EndEvent(ctx, event))
	y.put("audit_events", 90*day)
	trust := aTrust(id, "https://issuer.example", id)
	trust.ExpiresAt = y.now.Add(day)
	must(y.t, y.s.TrustedIssuers.InsertTrust(ctx, trust))
	y.put("trusted_issuers", day+30*day+rowStays)

	y.grantEnds(y.grantOf("", true, 30*day, 90*day, nil), 0) // a code with offline access that is not redeemed
}

// secondFactors simulates users that enrol and remove authenticator apps, generate recovery codes,
// and trust a browser.
func (y *year) secondFactors() {
	ctx, factors := y.t.Context(), factorsOf(y.s)
	set, err := factors.Enrolled(ctx, "alice")
	must(y.t, err)
	for _, a := range set.Authenticators {
		must(y.t, factors.RemoveTOTP(ctx, "alice", a.ID, y.now))
	}
	enrol(y.t, factors, "alice", y.now)
	_, err = y.outside.ExecContext(ctx, `INSERT INTO pending_authenticators (binding, subject, secret, expires_at) VALUES ($1, 'bob', $1, $2)`,
		[]byte(strconv.Itoa(y.steps)), y.now.Add(10*time.Minute).UnixMicro()) // by a replica of the previous version
	must(y.t, err)
	y.put("pending_authenticators", 10*time.Minute+rowStays)
	_, err = factors.GenerateRecoveryCodes(ctx, "alice", y.now)
	must(y.t, err)
	y.ends["authenticators"] = []time.Time{y.now.Add(1000 * day)} // until it is removed
	y.ends["recovery_code_sets"] = []time.Time{y.now.Add(1000 * day)}
	y.ends["recovery_codes"] = slices.Repeat(y.ends["recovery_code_sets"], recoverycode.Count) // until they are replaced
	must(y.t, y.s.TrustedDevices.InsertTrustedDevice(ctx, []byte(strconv.Itoa(y.steps)), fixture.Account("alice"), y.now, y.now.Add(30*day)))
	y.put("trusted_devices", 30*day+rowStays)
}

// attackers guess passwords, sign up, and start flows that they do not finish.
func (y *year) attackers() {
	ctx := y.t.Context()
	for i := range 3 {
		_, _, err := y.s.Throttle.CountAttempt(ctx, fmt.Sprint(y.steps, "-", i), 3*time.Hour, y.now)
		must(y.t, err)
		y.put("guesses", 3*time.Hour+rowStays)
	}
	must(y.t, y.s.Throttle.AddFailure(ctx, strconv.Itoa(y.steps), y.now))
	y.put("password_failures", account.FailureMemory+rowStays)
	y.recoveries()
	y.request("", authrequest.Undecided, nil)
	request := strconv.Itoa(y.steps)
	must(y.t, y.s.Refusals.InsertRefusals(ctx, []*refusal.Record{aRefusal(request, "rp", "code_spent", y.now)}))
	y.put("refusals", 7*day+rowStays)
	must(y.t, y.s.Statistics.AddStatistics(ctx, statistics.Counts{statistics.SignIns: 1}, y.now))
	y.put("statistics", statistics.Retention(statistics.Hour)+rowStays)
	y.put("statistics", statistics.Retention(statistics.Day)+rowStays)
	source := account.NewSignInSource("alice", "device", strconv.Itoa(y.steps%20))
	must(y.t, y.s.SignInSources.NoteSource(ctx, fixture.Account("alice"), source, session.Origin{}, y.now))
	y.put("known_sources", account.NetworkLifetime+rowStays)
	y.put("known_sources", account.DeviceLifetime+rowStays)
	d := aDevice("rp")
	d.CreatedAt, d.ExpiresAt = y.now, y.now.Add(10*time.Minute)
	d.UserCode = []byte(strconv.Itoa(y.steps))
	must(y.t, y.s.Devices.InsertDevice(ctx, d))
	y.put("devices", 10*time.Minute+rowStays)
	must(y.t, y.s.Backchannel.InsertBackchannel(ctx, &store.Arrival{Request: aBackchannelRequest("rp", "alice", y.now), Person: "alice"}))
	y.put("backchannel_requests", 2*time.Minute+rowStays)
	block := aBackchannelRequest("rp", "alice", y.now)
	must(y.t, y.s.Backchannel.UnblockClient(ctx, "alice", "rp"))
	must(y.t, y.s.Backchannel.InsertBackchannel(ctx, &store.Arrival{Request: block, Person: "alice"}))
	y.put("backchannel_requests", 2*time.Minute+rowStays)
	must(y.t, y.s.Backchannel.DenyAndBlock(ctx, block, y.now))
	y.ends["blocked_clients"] = []time.Time{y.now.Add(1000 * day)} // until the user unblocks it
	must(y.t, y.s.PushedRequests.InsertPushed(ctx, &authrequest.Pushed{
		ID: authrequest.NewPushedID(), ClientID: "rp", CreatedAt: y.now, ExpiresAt: y.now.Add(time.Minute),
		Grant: grant.Locator{Partition: grant.PartitionAt(y.now, true), ID: grant.NewID(y.now)},
	}))
	y.put("pushed_requests", time.Minute+rowStays)
	must(y.t, y.s.SetupLinks.InsertSetupLink(ctx, session.Hash(fmt.Sprint("link ", y.steps)), y.now.Add(day)))
	y.put("setup_links", day+rowStays)
	y.passkeys()
	_, err := y.s.Deadlines.EnrolmentDeadline(ctx, "alice", y.now)
	must(y.t, err)
	y.ends["enrolment_deadlines"] = []time.Time{y.now.Add(1000 * day)} // with the account
	for _, name := range []string{"browser state", "pairwise subject"} {
		_, err := y.s.Seeds.Seed(ctx, name)
		must(y.t, err)
	}

	bobs := y.aSessionNow(fmt.Sprint("of-bob-", y.steps), day)
	bobs.Subject = "bob"
	must(y.t, y.s.Sessions.InsertSession(ctx, bobs, nil))
	must(y.t, y.s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "bob", ClientID: "rp", SessionID: bobs.ID, GivenAt: y.now}))
	_, err = y.s.Sessions.EndSessionsOf(ctx, "bob", y.now)
	must(y.t, err)

	guest := fmt.Sprint("guest-", y.steps)
	a := fixture.Account(guest)
	a.CreatedAt, a.SelfRegistered = y.now, true
	must(y.t, y.s.Accounts.InsertAccount(ctx, a))
	n := y.aSessionNow(fmt.Sprint("of-", guest), day)
	n.Subject = guest
	must(y.t, y.s.Sessions.InsertSession(ctx, n, nil))
	must(y.t, y.s.Consents.SaveConsent(ctx, &consent.Consent{Subject: guest, ClientID: "rp", GivenAt: y.now}))
	must(y.t, y.s.Accounts.DeleteAccount(ctx, guest, y.now))
}

// renewKeys rotates the keys once, as their age requires.
func (y *year) renewKeys() {
	ctx, stop := context.WithCancel(y.t.Context())
	ended := make(chan error)
	go func() { ended <- y.keys.Run(ctx) }()
	<-y.passes
	_, err := y.keys.Records(ctx) // waits for the pass to end
	must(y.t, err)
	stop()
	must(y.t, <-ended)
	select {
	case <-y.passes:
	default:
	}
}

// watched signals a read of the keys.
type watched struct {
	*store.Keys

	looked chan struct{}
}

func (w watched) LoadKeys(ctx context.Context) (int64, []jwks.Record, error) {
	select {
	case w.looked <- struct{}{}:
	default:
	}
	return w.Keys.LoadKeys(ctx)
}

func (y *year) aSessionNow(id string, idle time.Duration) *session.Session {
	n := fixture.Session(id, "alice")
	n.AuthTime, n.CreatedAt, n.SeenAt, n.IdleUntil, n.EndsAt = y.now, y.now, y.now, y.now.Add(idle), y.now.Add(30*day)
	return n
}

// passkeys offers a passkey, and adds one in the first step. Sign-ins and changes of a step are at
// most 40 events.
func (y *year) passkeys() {
	y.t.Helper()
	ctx := y.t.Context()
	if len(y.ends["passkeys"]) == 0 {
		_, err := y.s.Passkeys.OfferPasskey(ctx, "alice", "id.example.org", y.now.Add(-30*day), y.now)
		must(y.t, err)
		id := y.session("passkey", day)
		must(y.t, y.s.Passkeys.InsertPasskey(ctx, registered("one", "alice", id, y.now.Sub(noon)+time.Second), y.now))
		y.ends["passkeys"] = []time.Time{y.now.Add(1000 * day)} // until the user removes it
		y.ends["passkey_offers"] = y.ends["passkeys"]
		y.put("sessions", day+rowStays)
	}
	for range 40 {
		y.put("activity", 365*day+rowStays)
	}
}

func (y *year) session(kind string, idle time.Duration) (id string) {
	id = fmt.Sprint(kind, "-", y.steps)
	must(y.t, y.s.Sessions.InsertSession(y.t.Context(), y.aSessionNow(id, idle), nil))
	return id
}

// request stores a request, which the user answers or not.
func (y *year) request(sessionID string, d authrequest.Decision, remember *consent.Consent) {
	ctx := y.t.Context()
	r := fixture.Request(fmt.Sprint(y.steps, "-", sessionID))
	r.CreatedAt, r.ExpiresAt = y.now, y.now.Add(30*time.Minute)
	must(y.t, y.s.Requests.InsertRequest(ctx, r))
	y.put("requests", 30*time.Minute+rowStays)
	if d == authrequest.Undecided {
		return
	}
	must(y.t, y.s.Requests.RecordSignIn(ctx, r.ID, sessionID, y.now, y.now))
	must(y.t, y.s.Requests.RecordDecision(ctx, r.ID, d, "alice", remember, y.now))
}

func (y *year) grantOf(sessionID string, refreshable bool, idle, life time.Duration, change func(*grant.Grant)) *grant.Grant {
	return fixture.InsertGrant(y.t, y.s, func(g *grant.Grant) {
		g.Locator = grant.Locator{Partition: grant.PartitionAt(y.now, refreshable), ID: grant.NewID(y.now)}
		g.SessionID, g.CreatedAt, g.CodeExpiresAt = sessionID, y.now, y.now.Add(time.Minute)
		g.ExpiresAt, g.EndsAt, g.TokensUntil = y.now.Add(idle), y.now.Add(life), y.now
		if change != nil {
			change(g)
		}
		y.partitions[g.Partition] = true
	})
}

// brief is a grant without refresh tokens.
func (y *year) brief(sessionID string) *grant.Grant {
	const life = 11 * time.Minute
	g := y.grantOf(sessionID, false, life, life, nil)
	y.grantEnds(g, life)
	return g
}

func (y *year) spend(g *grant.Grant) {
	_, err := y.s.Grants.RedeemCode(y.t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: g.ClientID, TokensUntil: y.now.Add(10 * time.Minute), Now: y.now})
	must(y.t, err)
}

// grantEnds records when the row of a grant that ends after so long may be deleted: not
// long after, or on PostgreSQL with its partition, unless the next purge finds it in
// the current weekly partition.
func (y *year) grantEnds(g *grant.Grant, life time.Duration) {
	end := y.now.Add(life).Add(grantStays)
	next := y.now.Add(stride)
	if y.s.Engine() == "postgres" && (end.After(next) || grant.PartitionAt(next, true) != g.Partition) {
		end = y.partitionEnds(g.Partition)
	}
	y.ends["grants"] = append(y.ends["grants"], end)
}

// partitionEnds returns when a partition may be dropped.
func (y *year) partitionEnds(b grant.Partition) time.Time {
	if b.Weekly() {
		return b.End().Add(weekStays)
	}
	return b.End().Add(grantStays)
}
