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

// openKeys reads Hydra's keys and trusted issuers. It returns an error if no key can be
// decrypted: the secret is wrong or missing, which must not look like a Hydra without keys.
func (m *hydraImport) openKeys(ctx context.Context) error {
	keys, sealed, err := m.source.Keys(ctx, m.secrets)
	if err != nil {
		return err
	}
	if len(keys) == 0 && len(sealed) > 0 {
		return fmt.Errorf("none of the given system secrets decrypts any of Hydra's %d keys: set HYDRA_SECRETS_SYSTEM to its secrets.system, "+
			"or import without keys and issuers with --only clients,consents", len(sealed))
	}
	m.keys = keys
	if m.issuers, err = m.source.Issuers(ctx); err != nil {
		return err
	}
	if len(sealed) > 0 {
		m.report.Keys.Found += len(sealed)
		m.report.Keys.LeftOut += len(sealed)
		m.problem("keys", "", "skipped: %d that none of the given system secrets decrypts, the first is %s; see --secrets-system", len(sealed), sealed[0])
	}
	return nil
}

// importKeys imports the keys of named sets, and the public keys that Hydra signed with.
func (m *hydraImport) importKeys(ctx context.Context) error {
	if m.source == nil {
		return nil
	}
	secrets, err := server.SystemSecrets(m.db.config)
	if err != nil {
		return err
	}
	sets := keyset.Keys{Sealer: secrets, Now: now}
	var signing []jwks.ForeignKey
	var imported []*keyset.Key
	for _, k := range m.keys {
		ofIssuer := slices.ContainsFunc(m.issuers, func(i hydraimport.Issuer) bool { return i.KeySet == k.Set && i.KeyID == k.KID })
		switch {
		case ofIssuer || k.Set == "hydra.https-tls": // imported with its issuer; or the generated certificate of v1
		case keyset.IsReserved(k.Set):
			m.report.SigningKeys.Found++
			if key, err := newForeignKey(k); err != nil {
				m.report.SigningKeys.LeftOut++
				m.problem("signing key", k.KID, "skipped, so that tokens that it signed are rejected: it %v", err)
			} else {
				signing = append(signing, key)
			}
		default:
			m.report.Keys.Found++
			key, err := newSetKey(sets, k)
			if err != nil {
				m.report.Keys.LeftOut++
				m.problem("key", k.Set+" "+k.KID, "skipped: it %v", err)
				continue
			}
			key.CreatedAt = k.CreatedAt
			imported = append(imported, key)
		}
	}
	return m.storeKeys(ctx, secrets, signing, imported)
}

// newSetKey returns a key of a named key set.
func newSetKey(sets keyset.Keys, k hydraimport.Key) (*keyset.Key, error) {
	if err := keyset.CheckName(k.Set); err != nil {
		return nil, fmt.Errorf("has an invalid set name: it %w", err)
	}
	return sets.Parse(k.Set, k.KID, k.JWK)
}

// newForeignKey returns a key that only verifies.
func newForeignKey(k hydraimport.Key) (jwks.ForeignKey, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(k.JWK); err != nil {
		return jwks.ForeignKey{}, errors.New("is not a JSON Web Key")
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

func (m *hydraImport) storeKeys(ctx context.Context, secrets *keyring.Keyring, signing []jwks.ForeignKey, imported []*keyset.Key) error {
	d := m.db
	manager, err := server.NewKeys(d.config, d.store, secrets, d.log, now)
	if err != nil {
		return err
	}
	t, s := &m.report.Keys, &m.report.SigningKeys
	if m.cmd.DryRun {
		return m.countKeys(ctx, manager, signing, imported)
	}
	created, err := d.store.KeySets.ImportKeys(ctx, imported)
	if err != nil {
		return err
	}
	t.Created, t.Unchanged = created, len(imported)-created
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

// countKeys counts the effects of storeKeys in a dry run.
func (m *hydraImport) countKeys(ctx context.Context, manager *jwks.Manager, signing []jwks.ForeignKey, imported []*keyset.Key) error {
	records, err := manager.Records(ctx)
	if err != nil {
		return err
	}
	for _, k := range signing {
		m.report.SigningKeys.count(!slices.ContainsFunc(records, func(r jwks.Record) bool { return r.KID == k.KID }))
	}
	for _, k := range imported {
		_, err := m.db.store.KeySets.Key(ctx, k.Set, k.KID)
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

// importIssuers imports the trusted issuers.
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
			m.problem("trusted issuer", i.Issuer, "skipped: %v", err)
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

// storeTrust stores a trust unless it exists, or only checks that in a dry run.
func (m *hydraImport) storeTrust(ctx context.Context, trust *trustedissuer.Trust) (fresh bool, err error) {
	if _, err = m.db.store.TrustedIssuers.Trust(ctx, trust.ID); !errors.Is(err, trustedissuer.ErrNotFound) {
		return false, err
	}
	if m.cmd.DryRun {
		return true, nil
	}
	if err = m.db.store.TrustedIssuers.InsertTrust(ctx, trust); errors.Is(err, trustedissuer.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// newTrust returns the trust in an issuer.
func (m *hydraImport) newTrust(i hydraimport.Issuer) (*trustedissuer.Trust, error) {
	at := slices.IndexFunc(m.keys, func(k hydraimport.Key) bool { return k.Set == i.KeySet && k.KID == i.KeyID })
	if at < 0 {
		return nil, errors.New("its key could not be read")
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(m.keys[at].JWK, &jwk); err != nil {
		return nil, errors.New("its key is not a JSON Web Key")
	}
	t := &trustedissuer.Trust{
		ID: i.ID, Issuer: i.Issuer, Subject: i.Subject, Scopes: i.Scopes, Key: jwk.Public(), CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
	switch {
	case i.AllowAnySubject:
		t.Subject = ""
	case i.Subject == "":
		return nil, errors.New("it has neither a subject nor allow_any_subject")
	case !t.ExpiresAt.After(m.now):
		return nil, errors.New("its trust has expired")
	}
	if keyset.CheckName(t.ID) != nil {
		return nil, errors.New("its id is invalid")
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	return t, nil
}
