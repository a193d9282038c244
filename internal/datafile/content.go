package datafile

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
)

// Sources read the stored data of an account.
type Sources struct {
	Accounts interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
	}
	Attributes interface {
		ListAttributes(ctx context.Context) ([]*account.Attribute, error)
	}
	Sessions interface {
		RecentSessions(ctx context.Context, subject string, after *session.Session, limit int, now time.Time) ([]*session.Session, error)
	}
	Consents interface {
		ListConsents(ctx context.Context, subject, sessionID string, after consent.Consent, limit int, now time.Time) ([]*consent.Consent, error)
	}
	Activity interface {
		ListActivity(ctx context.Context, subject, before string, limit int, kinds ...activity.Kind) ([]*activity.Event, error)
	}
	// Grants returns up to limit valid grants, Credentials all credentials without their secrets.
	Grants      func(ctx context.Context, subject string, limit int, now time.Time) ([]*grant.Grant, error)
	Credentials func(ctx context.Context, a *account.Account) ([]credential.Info, error)
}

// content is the content of a file. Times are those of RFC 3339.
type content struct {
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

// maxRows bounds the sessions, grants, consents and events in a file, each.
const maxRows = 10_000

// write returns the text of the file of an account.
func (s *Sources) write(ctx context.Context, subject string, now time.Time) ([]byte, error) {
	all, err := s.read(ctx, subject, now)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil && len(text) >= maxSize {
		err = fmt.Errorf("%d bytes are more than %d", len(text), maxSize-1)
	}
	if err != nil {
		return nil, fmt.Errorf("write data file: %w", err)
	}
	return append(text, '\n'), nil
}

func (s *Sources) read(ctx context.Context, subject string, now time.Time) (*content, error) {
	a, err := s.Accounts.Account(ctx, subject)
	if err != nil {
		return nil, err
	}
	schema, err := s.Attributes.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	all := &content{
		Account: map[string]any{"subject": a.Subject, "username": a.Name(), "created_at": a.CreatedAt, "updated_at": a.UpdatedAt, "groups": a.Groups, "roles": a.Roles, "attributes": account.VisibleAttributes(schema, a.Attributes, account.PartyUser)},
		Claims:  a.Claims, Addresses: []addressData{}, Credentials: []credentialData{}, Sessions: []sessionData{}, Grants: []grantData{}, Consents: []consentData{}, Activity: []eventData{},
	}
	if a.Terms.Version != "" {
		all.Account["terms"] = map[string]any{"version": a.Terms.Version, "accepted_at": a.Terms.At}
	}
	for _, address := range a.Addresses {
		all.Addresses = append(all.Addresses, addressData{address.Address, !address.VerifiedAt.IsZero(), address.Primary})
	}
	credentials, err := s.Credentials(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, one := range credentials {
		all.Credentials = append(all.Credentials, credentialData{one.Kind, one.Label, one.CreatedAt, optionalTime(one.LastUsedAt)})
	}
	sessions, err := s.Sessions.RecentSessions(ctx, subject, nil, maxRows, now)
	if err != nil {
		return nil, err
	}
	for _, one := range sessions {
		all.Sessions = append(all.Sessions, dataOf(one))
	}
	grants, err := s.Grants(ctx, subject, maxRows, now)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		all.Grants = append(all.Grants, grantData{g.ClientID, g.SessionID, g.Scopes, g.CreatedAt, g.ExpiresAt})
	}
	consents, err := s.Consents.ListConsents(ctx, subject, "", consent.Consent{}, maxRows, now)
	if err != nil {
		return nil, err
	}
	for _, one := range consents {
		all.Consents = append(all.Consents, consentData{one.ClientID, one.SessionID, one.Scopes, one.GivenAt, optionalTime(one.ExpiresAt)})
	}
	events, err := s.Activity.ListActivity(ctx, subject, "", maxRows)
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
