package account

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// data serves GET /account/data.
func (c *Console) data(v *visit) error { return v.show(pages.AccountData{Action: c.url("/data")}) }

// prepareData serves POST /account/data: it shows the link to the file.
func (c *Console) prepareData(v *visit) error {
	return v.show(pages.AccountData{Action: c.url("/data"), FileURL: c.url("/data/file")})
}

// dataFile serves GET /account/data/file: everything that is stored about the account, as JSON.
// Credentials have no secrets.
func (c *Console) dataFile(v *visit) error {
	all, err := v.everything()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write data of account: %w", err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="account.json"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = v.w.Write(append(text, '\n')) // it fails only if the browser has closed the connection
	return nil
}

// accountData is the file of [Console.dataFile]. Times are those of RFC 3339.
type accountData struct {
	Account     map[string]any   `json:"account"`
	Claims      map[string]any   `json:"claims"`
	Addresses   []addressData    `json:"addresses"`
	Credentials []credentialData `json:"credentials"`
	Sessions    []sessionData    `json:"sessions"`
	Grants      []grantData      `json:"grants"`
	Consents    []consentData    `json:"consents"`
	Activity    []eventData      `json:"activity"`
}

type addressData struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary"`
}

type credentialData struct {
	Kind       credential.Kind `json:"kind"`
	Label      string          `json:"label,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	LastUsedAt *time.Time      `json:"last_used_at,omitempty"`
}

type sessionData struct {
	ID        string    `json:"sid"`
	Browser   string    `json:"browser,omitempty"`
	System    string    `json:"system,omitempty"`
	Network   string    `json:"network,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"last_seen_at"`
	ACR       string    `json:"acr"`
	AMR       []string  `json:"amr"`
}

type grantData struct {
	ClientID  string    `json:"client_id"`
	SessionID string    `json:"sid,omitempty"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type consentData struct {
	ClientID  string     `json:"client_id"`
	SessionID string     `json:"sid,omitempty"`
	Scopes    []string   `json:"scopes"`
	GivenAt   time.Time  `json:"given_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

type eventData struct {
	Kind    activity.Kind `json:"kind"`
	At      time.Time     `json:"at"`
	Count   int           `json:"count"`
	Browser string        `json:"browser,omitempty"`
	System  string        `json:"system,omitempty"`
	Network string        `json:"network,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

// maxData bounds the number of sessions, grants, consents and events in the file.
const maxData = 10_000

// everything returns the data of the account.
func (v *visit) everything() (*accountData, error) {
	ctx, a := v.r.Context(), v.account
	all := &accountData{
		Account: map[string]any{"subject": a.Subject, "username": a.Name(), "created_at": a.CreatedAt, "updated_at": a.UpdatedAt, "groups": a.Groups, "roles": a.Roles, "attributes": a.Attributes},
		Claims:  a.Claims, Addresses: []addressData{}, Credentials: []credentialData{}, Sessions: []sessionData{}, Grants: []grantData{}, Consents: []consentData{}, Activity: []eventData{},
	}
	for _, address := range a.Addresses {
		all.Addresses = append(all.Addresses, addressData{address.Address, !address.VerifiedAt.IsZero(), address.Primary})
	}
	credentials, err := v.console.Credentials(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, one := range credentials {
		all.Credentials = append(all.Credentials, credentialData{one.Kind, one.Label, one.CreatedAt, optionalTime(one.LastUsedAt)})
	}
	sessions, err := v.console.Sessions.RecentSessions(ctx, a.Subject, nil, maxData, v.now)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		all.Sessions = append(all.Sessions, dataOf(s))
	}
	grants, err := v.console.Grants(ctx, a.Subject, maxData, v.now)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		all.Grants = append(all.Grants, grantData{g.ClientID, g.SessionID, g.Scopes, g.CreatedAt, g.ExpiresAt})
	}
	consents, err := v.console.Consents.ListConsents(ctx, a.Subject, "", consent.Consent{}, maxData, v.now)
	if err != nil {
		return nil, err
	}
	for _, one := range consents {
		all.Consents = append(all.Consents, consentData{one.ClientID, one.SessionID, one.Scopes, one.GivenAt, optionalTime(one.ExpiresAt)})
	}
	events, err := v.console.Activity.ListActivity(ctx, a.Subject, "", maxData)
	for _, e := range events {
		all.Activity = append(all.Activity, eventData{e.Kind, e.LastAt, e.Count, e.Browser, e.System, e.Network, e.Detail})
	}
	return all, err
}

func dataOf(s *session.Session) sessionData {
	return sessionData{
		ID: s.ID, Browser: s.Origin.Browser, System: s.Origin.System, Network: s.Origin.Network,
		CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ACR: s.ACR, AMR: s.AMR,
	}
}

// optionalTime returns nil for the zero time.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
