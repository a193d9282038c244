package cli

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/cli/hydraimport"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// openKeys reads Hydra's keys, and the issuers that it trusts. If no key can be opened the
// secret is wrong or was forgotten, which must not pass for a Hydra without keys.
func (m *hydraImport) openKeys(ctx context.Context) error {
	keys, sealed, err := m.source.Keys(ctx, m.secrets)
	if err != nil {
		return err
	}
	if len(keys) == 0 && len(sealed) > 0 {
		return fmt.Errorf("no given system secret opens any of Hydra's keys (%d): set HYDRA_SECRETS_SYSTEM to its secrets.system, "+
			"or do without keys and issuers by --only clients,consents", len(sealed))
	}
	m.keys = keys
	if m.issuers, err = m.source.Issuers(ctx); err != nil {
		return err
	}
	if len(sealed) > 0 {
		m.report.Keys.Found += len(sealed)
		m.report.Keys.LeftOut += len(sealed)
		m.problem("keys", "", "left out: %d that no given system secret opens, the first of them %s; see --secrets-system", len(sealed), sealed[0])
	}
	return nil
}

// takeKeys brings the keys of named sets, and remembers those that Hydra signs with.
func (m *hydraImport) importKeys(ctx context.Context) error {
	if m.source == nil {
		return nil
	}
	secrets, err := server.SystemSecrets(m.desk.config)
	if err != nil {
		return err
	}
	sets := keyset.Keys{Sealer: secrets, Now: now}
	var signing []jwks.ForeignKey
	var brought []*keyset.Key
	for _, k := range m.keys {
		ofIssuer := slices.ContainsFunc(m.issuers, func(i hydraimport.Issuer) bool { return i.KeySet == k.Set && i.KeyID == k.KID })
		switch {
		case ofIssuer || k.Set == "hydra.https-tls": // comes with its issuer; was a certificate that v1 made for itself
		case keyset.IsReserved(k.Set):
			m.report.SigningKeys.Found++
			if key, err := newForeignKey(k); err != nil {
				m.report.SigningKeys.LeftOut++
				m.problem("signing key", k.KID, "left out, so that what it signed does not verify: it %v", err)
			} else {
				signing = append(signing, key)
			}
		default:
			m.report.Keys.Found++
			key, err := newSetKey(sets, k)
			if err != nil {
				m.report.Keys.LeftOut++
				m.problem("key", k.Set+" "+k.KID, "left out: it %v", err)
				continue
			}
			key.CreatedAt = k.CreatedAt
			brought = append(brought, key)
		}
	}
	return m.storeKeys(ctx, secrets, signing, brought)
}

// setKey makes a key of a set of ours.
func newSetKey(sets keyset.Keys, k hydraimport.Key) (*keyset.Key, error) {
	if err := keyset.CheckName(k.Set); err != nil {
		return nil, fmt.Errorf("is of a set whose name %w", err)
	}
	return sets.Parse(k.Set, k.KID, k.JWK)
}

// remembered makes of a key what verifies.
func newForeignKey(k hydraimport.Key) (jwks.ForeignKey, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(k.JWK); err != nil {
		return jwks.ForeignKey{}, errors.New("is no JSON Web Key")
	}
	public := crypto.PublicKey(jwk.Public().Key)
	alg := jwks.Algorithm(jwk.Algorithm)
	if alg == "" {
		alg = jwks.AlgorithmOf(public)
	}
	key := jwks.ForeignKey{KID: jwk.KeyID, Algorithm: alg, Public: public}
	if err := key.Check(); err != nil {
		return key, fmt.Errorf("cannot be used: %w", err)
	}
	return key, nil
}

func (m *hydraImport) storeKeys(ctx context.Context, secrets *keyring.Keyring, signing []jwks.ForeignKey, brought []*keyset.Key) error {
	d := m.desk
	manager, err := server.NewKeys(d.config, d.store, secrets, d.log, now)
	if err != nil {
		return err
	}
	t, s := &m.report.Keys, &m.report.SigningKeys
	if m.cmd.DryRun {
		return m.countKeys(ctx, manager, signing, brought)
	}
	created, err := d.store.KeySets.ImportSetKeys(ctx, brought)
	if err != nil {
		return err
	}
	t.Created, t.Unchanged = created, len(brought)-created
	if len(signing) == 0 {
		return nil
	}
	if err := manager.Start(ctx); err != nil {
		return err
	}
	s.Created, err = manager.AddForeignKeys(ctx, signing, m.cmd.KeepKeys)
	s.Unchanged = len(signing) - s.Created
	return err
}

// rehearseKeys counts what keepKeys would do.
func (m *hydraImport) countKeys(ctx context.Context, manager *jwks.Manager, signing []jwks.ForeignKey, brought []*keyset.Key) error {
	records, err := manager.Records(ctx)
	if err != nil {
		return err
	}
	for _, k := range signing {
		m.report.SigningKeys.count(!slices.ContainsFunc(records, func(r jwks.Record) bool { return r.KID == k.KID }))
	}
	for _, k := range brought {
		_, err := m.desk.store.KeySets.SetKey(ctx, k.Set, k.KID)
		if err != nil && !errors.Is(err, keyset.ErrNotFound) {
			return err
		}
		m.report.Keys.count(err != nil)
	}
	return nil
}

func (t *tally) count(fresh bool) {
	if fresh {
		t.Created++
	} else {
		t.Unchanged++
	}
}

// takeIssuers brings the trust in issuers.
func (m *hydraImport) importIssuers(ctx context.Context) error {
	if m.source == nil {
		return nil
	}
	t := &m.report.Issuers
	t.Found = len(m.issuers)
	for _, i := range m.issuers {
		trust, err := m.newTrust(i)
		if err != nil {
			t.LeftOut++
			m.problem("trusted issuer", i.Issuer, "left out: %v", err)
			continue
		}
		fresh, err := m.storeTrust(ctx, trust)
		if err != nil {
			return err
		}
		t.count(fresh)
	}
	return nil
}

// keepTrust brings a trust, or says that it would, unless there is one like it.
func (m *hydraImport) storeTrust(ctx context.Context, trust *trustedissuer.Trust) (fresh bool, err error) {
	if _, err = m.desk.store.TrustedIssuers.Trust(ctx, trust.ID); !errors.Is(err, trustedissuer.ErrNotFound) {
		return false, err
	}
	if m.cmd.DryRun {
		return true, nil
	}
	if err = m.desk.store.TrustedIssuers.InsertTrust(ctx, trust); errors.Is(err, trustedissuer.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// trust makes a trust of ours.
func (m *hydraImport) newTrust(i hydraimport.Issuer) (*trustedissuer.Trust, error) {
	at := slices.IndexFunc(m.keys, func(k hydraimport.Key) bool { return k.Set == i.KeySet && k.KID == i.KeyID })
	if at < 0 {
		return nil, errors.New("its key could not be read")
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(m.keys[at].JWK, &jwk); err != nil {
		return nil, errors.New("its key is no JSON Web Key")
	}
	t := &trustedissuer.Trust{
		ID: i.ID, Issuer: i.Issuer, Subject: i.Subject, Scopes: i.Scopes, Key: jwk.Public(), CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
	switch {
	case i.AllowAnySubject:
		t.Subject = ""
	case i.Subject == "":
		return nil, errors.New("it may speak for nobody")
	case !t.ExpiresAt.After(m.now):
		return nil, errors.New("the trust in it has ended")
	}
	if keyset.CheckName(t.ID) != nil {
		return nil, errors.New("its id cannot be one")
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	return t, nil
}
