package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/cli/hydraimport"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server"
)

// move is an import under way.
type hydraImport struct {
	cmd     *importHydra
	desk    *database
	source  *hydraimport.Database // nil for a file
	secrets hydraimport.Secrets
	now     time.Time

	clients       []hydraimport.Client
	publicClients int               // clients that have to use PKCE
	knownClients  map[string]bool   // the clients that there are, of those that Hydra has
	keys          []hydraimport.Key // opened
	issuers       []hydraimport.Issuer
	report        hydraReport
}

func (m *hydraImport) close(ctx context.Context) {
	if m.source != nil {
		m.source.Close(ctx)
	}
}

// hydraReport is what an import did, or would do.
type hydraReport struct {
	DryRun      bool                `json:"dry_run"`
	Clients     tally               `json:"clients"`
	SigningKeys tally               `json:"signing_keys"`
	Keys        tally               `json:"keys"`
	Issuers     tally               `json:"issuers"`
	Consents    tally               `json:"consents"`
	Left        hydraimport.Dropped `json:"left"`
	Problems    []problem           `json:"problems,omitempty"`
	Notes       []string            `json:"notes,omitempty"`
}

// tally counts things of one kind.
type tally struct {
	Found     int `json:"found"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	LeftOut   int `json:"left_out"`
}

func (t tally) cells() []string {
	var cells []string
	for _, n := range []int{t.Found, t.Created, t.Updated, t.Unchanged, t.LeftOut} {
		cells = append(cells, strconv.Itoa(n))
	}
	return cells
}

// problem is what is left out of one thing, or the thing itself.
type problem struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	What string `json:"what"`
}

func (m *hydraImport) problem(kind, id, format string, args ...any) {
	m.report.Problems = append(m.report.Problems, problem{kind, id, fmt.Sprintf(format, args...)})
}

// takeClients brings the clients, all or none of those that can be.
func (m *hydraImport) importClients(ctx context.Context) (err error) {
	if m.source != nil {
		if m.clients, err = m.source.Clients(ctx); err != nil {
			return err
		}
	}
	m.report.Clients.Found = len(m.clients)
	progress := m.desk.progress("clients")
	var batch []*client.Client
	for i, theirs := range m.clients {
		c, err := m.importClient(ctx, theirs)
		if err != nil {
			return fmt.Errorf("client %q: %w", theirs.ID, err)
		}
		if c != nil {
			batch = append(batch, c)
		}
		progress(i+1, len(m.clients))
	}
	if m.publicClients > 0 {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d public clients have to send PKCE with S256.", m.publicClients))
	}
	if m.cmd.DryRun {
		return nil
	}
	created, updated, err := m.desk.store.Clients.ImportClients(ctx, batch)
	t := &m.report.Clients
	t.Created, t.Updated, t.Unchanged = created, updated, len(batch)-created-updated
	return err
}

// takeClient makes a client of ours, nil if it is left out.
func (m *hydraImport) importClient(ctx context.Context, theirs hydraimport.Client) (*client.Client, error) {
	adapted := hydraimport.Adapt(theirs, server.OperatorPolicy(m.desk.config), m.now)
	if adapted.Refused != "" {
		m.problem("client", theirs.ID, "left out: %s", adapted.Refused)
		m.report.Clients.LeftOut++
		return nil, nil
	}
	for _, note := range adapted.Notes {
		m.problem("client", theirs.ID, "%s", note)
	}
	c := adapted.Client
	known, err := m.desk.store.Clients.Client(ctx, c.ID)
	fresh := errors.Is(err, client.ErrNotFound)
	if fresh {
		known, err = &client.Client{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.VerifySector(ctx, server.Documents(m.desk.config), &known.Metadata); err != nil {
		m.problem("client", theirs.ID, "left out: %v", err)
		m.report.Clients.LeftOut++
		return nil, nil
	}
	if adapted.Secretless && known.Secret == "" {
		m.problem("client", theirs.ID, "its secret did not come over: give it a new one")
	}
	if known.Secret != "" && !known.Secret.IsLegacyHash() {
		c.Secret = "" // it has been shown, and is kept in our own form since
	} else if adapted.Secret != "" && !m.cmd.DryRun {
		keeper, err := server.NewSecretStore(m.desk.config, server.NewHasher(m.desk.config))
		if err == nil {
			err = keeper.Set(ctx, c, adapted.Secret)
		}
		if err != nil {
			return nil, err
		}
	}
	m.knownClients[c.ID] = true
	if c.IsPublic() && c.AllowsGrantType(client.GrantAuthorizationCode) {
		m.publicClients++
	}
	if m.cmd.DryRun {
		m.report.Clients.compare(fresh, c, known)
	}
	return c, nil
}

// compare counts what an import would do with c.
func (t *tally) compare(fresh bool, c, known *client.Client) {
	before, _ := json.Marshal(known.Metadata)
	after, _ := json.Marshal(c.Metadata)
	switch {
	case fresh:
		t.Created++
	case string(before) != string(after) || c.Secret != "" && c.Secret != known.Secret:
		t.Updated++
	default:
		t.Unchanged++
	}
}

// consentBatch is how many consents are written at once.
const consentBatch = 1000

// takeConsents brings what people agreed to, in parts: each is there or not.
func (m *hydraImport) importConsents(ctx context.Context) error {
	if m.source == nil {
		return nil
	}
	if err := m.loadKnownClients(ctx); err != nil {
		return err
	}
	t, done := &m.report.Consents, m.desk.progress("consents")
	var batch []*consent.Consent
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		changed, err := m.desk.store.Consents.ImportConsents(ctx, batch, m.now, m.cmd.DryRun)
		t.Created += changed
		t.Unchanged += len(batch) - changed
		batch = nil
		done(t.Found, t.Found+1)
		return err
	}
	left := map[string]int{}
	err := m.source.Consents(ctx, m.now, func(c hydraimport.Consent, fault error) error {
		t.Found++
		if fault == nil {
			fault = m.checkConsent(&c)
		}
		if fault != nil {
			t.LeftOut++
			left[fault.Error()]++
			return nil //nolint:nilerr // the report contains the error
		}
		if batch = append(batch, &c.Consent); len(batch) < consentBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	done(t.Found, t.Found)
	for _, what := range formatCounts(left) {
		m.problem("consents", "", "left out: %s", what)
	}
	if err != nil {
		return err
	}
	return m.reportLeft(ctx)
}

// clientsThatAre finds out, where the clients were not brought just now, which there are.
func (m *hydraImport) loadKnownClients(ctx context.Context) error {
	if len(m.knownClients) > 0 {
		return nil
	}
	all, err := allPages(func(after string) ([]*client.Client, error) {
		return m.desk.store.Clients.ListClients(ctx, after, pageSize)
	}, func(c *client.Client) string { return c.ID })
	for _, c := range all {
		m.knownClients[c.ID] = true
	}
	return err
}

// fitConsent makes of a consent what may be kept here, or says why it is nothing.
func (m *hydraImport) checkConsent(c *hydraimport.Consent) error {
	if !m.knownClients[c.ClientID] {
		return errors.New("of clients that are left out")
	}
	if !hydraimport.Subject(c.Subject) || c.ExtraClaims.ForcedSubject != "" && !hydraimport.Subject(c.ExtraClaims.ForcedSubject) {
		return errors.New("of subjects that cannot be one")
	}
	if c.GivenAt.After(m.now) {
		c.GivenAt = m.now
	}
	var err error
	if c.ExtraClaims.IDToken != nil {
		if c.ExtraClaims.IDToken, err = grant.AddedClaims(c.ExtraClaims.IDToken, grant.ProtocolClaims()); err != nil {
			return fmt.Errorf("whose session.id_token %w", err)
		}
	}
	if c.ExtraClaims.AccessToken != nil {
		if c.ExtraClaims.AccessToken, err = grant.AddedClaims(c.ExtraClaims.AccessToken, nil); err != nil {
			return fmt.Errorf("whose session.access_token %w", err)
		}
	}
	return nil
}

// left says what cannot come over, and what that means.
func (m *hydraImport) reportLeft(ctx context.Context) (err error) {
	if m.report.Left, err = m.source.Dropped(ctx); err != nil {
		return err
	}
	if n := m.report.Left.RefreshTokens; n > 0 {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d refresh tokens end with Hydra: their applications send people to sign in once.", n))
	}
	if n := m.report.Left.Sessions; n > 0 {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d browser sessions end with Hydra: your login app is asked once, without skip.", n))
	}
	m.report.Notes = append(m.report.Notes, "Access tokens of Hydra's are good at Hydra alone, until they end.")
	return nil
}
