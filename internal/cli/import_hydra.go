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

// hydraImport is a running import.
type hydraImport struct {
	cmd     *importHydra
	db      *database
	source  *hydraimport.Database // nil for a file
	secrets hydraimport.Secrets
	now     time.Time

	clients       []hydraimport.Client
	publicClients int               // clients that must use PKCE
	knownClients  map[string]bool   // imported or existing clients of Hydra
	keys          []hydraimport.Key // decrypted
	issuers       []hydraimport.Issuer
	report        hydraReport
}

func (m *hydraImport) close(ctx context.Context) {
	if m.source != nil {
		m.source.Close(ctx)
	}
}

// hydraReport is the result of an import or dry run.
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

// tally counts objects of one kind.
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

// problem is an object, or a part of one, that is not imported as it was.
type problem struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	What string `json:"what"`
}

func (m *hydraImport) problem(kind, id, format string, args ...any) {
	m.report.Problems = append(m.report.Problems, problem{kind, id, fmt.Sprintf(format, args...)})
}

// importClients imports all clients that can be imported, in one transaction.
func (m *hydraImport) importClients(ctx context.Context) (err error) {
	if m.source != nil {
		if m.clients, err = m.source.Clients(ctx); err != nil {
			return err
		}
	}
	m.report.Clients.Found = len(m.clients)
	progress := m.db.progress("clients")
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
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d public clients must use PKCE with S256.", m.publicClients))
	}
	if m.cmd.DryRun {
		return nil
	}
	created, updated, err := m.db.store.Clients.ImportClients(ctx, batch)
	t := &m.report.Clients
	t.Created, t.Updated, t.Unchanged = created, updated, len(batch)-created-updated
	return err
}

// importClient returns the client to import, or nil if it is skipped.
func (m *hydraImport) importClient(ctx context.Context, theirs hydraimport.Client) (*client.Client, error) {
	adapted := hydraimport.Adapt(theirs, server.OperatorPolicy(m.db.config), m.now)
	if adapted.Refused != "" {
		m.problem("client", theirs.ID, "skipped: %s", adapted.Refused)
		m.report.Clients.LeftOut++
		return nil, nil
	}
	for _, note := range adapted.Notes {
		m.problem("client", theirs.ID, "%s", note)
	}
	c := adapted.Client
	known, err := m.db.store.Clients.Client(ctx, c.ID)
	fresh := errors.Is(err, client.ErrNotFound)
	if fresh {
		known, err = &client.Client{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.VerifySector(ctx, server.Documents(m.db.config), &known.Metadata); err != nil {
		m.problem("client", theirs.ID, "skipped: %v", err)
		m.report.Clients.LeftOut++
		return nil, nil
	}
	if adapted.Secretless && known.Secret == "" {
		m.problem("client", theirs.ID, "its secret cannot be imported: set a new one")
	}
	if known.Secret != "" && !known.Secret.IsLegacyHash() {
		c.Secret = "" // the client has authenticated since, which replaced the imported hash
	} else if adapted.Secret != "" && !m.cmd.DryRun {
		secrets, err := server.NewSecretStore(m.db.config, server.NewHasher(m.db.config))
		if err == nil {
			err = secrets.Set(ctx, c, adapted.Secret)
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

// compare counts the effect of importing c.
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

// consentBatch is the number of consents per transaction.
const consentBatch = 1000

// importConsents imports the consents in batches.
func (m *hydraImport) importConsents(ctx context.Context) error {
	if m.source == nil {
		return nil
	}
	if err := m.loadKnownClients(ctx); err != nil {
		return err
	}
	t, done := &m.report.Consents, m.db.progress("consents")
	var batch []*consent.Consent
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		changed, err := m.db.store.Consents.ImportConsents(ctx, batch, m.now, m.cmd.DryRun)
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
		m.problem("consents", "", "skipped: %s", what)
	}
	if err != nil {
		return err
	}
	return m.reportLeft(ctx)
}

// loadKnownClients finds the existing clients if clients are not part of this import.
func (m *hydraImport) loadKnownClients(ctx context.Context) error {
	if len(m.knownClients) > 0 {
		return nil
	}
	all, err := allPages(func(after string) ([]*client.Client, error) {
		return m.db.store.Clients.ListClients(ctx, after, pageSize)
	}, func(c *client.Client) string { return c.ID })
	for _, c := range all {
		m.knownClients[c.ID] = true
	}
	return err
}

// checkConsent adapts a consent, or returns why it cannot be imported.
func (m *hydraImport) checkConsent(c *hydraimport.Consent) error {
	if !m.knownClients[c.ClientID] {
		return errors.New("of clients that are not imported")
	}
	if !hydraimport.Subject(c.Subject) || c.ExtraClaims.ForcedSubject != "" && !hydraimport.Subject(c.ExtraClaims.ForcedSubject) {
		return errors.New("with an invalid subject")
	}
	if c.GivenAt.After(m.now) {
		c.GivenAt = m.now
	}
	var err error
	if c.ExtraClaims.IDToken != nil {
		if c.ExtraClaims.IDToken, err = grant.AddedClaims(c.ExtraClaims.IDToken, grant.ProtocolClaims()); err != nil {
			return fmt.Errorf("with an invalid session.id_token: it %w", err)
		}
	}
	if c.ExtraClaims.AccessToken != nil {
		if c.ExtraClaims.AccessToken, err = grant.AddedClaims(c.ExtraClaims.AccessToken, nil); err != nil {
			return fmt.Errorf("with an invalid session.access_token: it %w", err)
		}
	}
	return nil
}

// reportLeft reports the records that cannot be imported, and the effect of that.
func (m *hydraImport) reportLeft(ctx context.Context) (err error) {
	if m.report.Left, err = m.source.Dropped(ctx); err != nil {
		return err
	}
	if n := m.report.Left.RefreshTokens; n > 0 {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d refresh tokens end with Hydra: users of those applications must sign in once.", n))
	}
	if n := m.report.Left.Sessions; n > 0 {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("%d browser sessions end with Hydra: your login app is called once for each, without skip.", n))
	}
	m.report.Notes = append(m.report.Notes, "Access tokens of Hydra are valid only at Hydra, until they expire.")
	return nil
}
