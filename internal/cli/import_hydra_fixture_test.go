package cli_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const hydraSecret = "the system secret of some Hydra"

// hydraFixture is a database with the tables of Hydra that an import reads.
type hydraFixture struct {
	t    *testing.T
	url  string
	conn *pgx.Conn
	// signing is the key of ID tokens, with the key ID kid.
	signing *rsa.PrivateKey
	kid     string
}

// hydraTables creates the tables that Hydra 1 and 2 share.
const hydraTables = `
	CREATE TABLE hydra_jwk (sid text, kid text, keydata text, created_at timestamp);
	CREATE TABLE hydra_oauth2_trusted_jwt_bearer_issuer (
		id text, issuer text, subject text, allow_any_subject boolean, scope text, key_set text, key_id text,
		created_at timestamp, expires_at timestamp);
	CREATE TABLE hydra_oauth2_obfuscated_authentication_session (subject text, client_id text, subject_obfuscated text);
	CREATE TABLE hydra_oauth2_refresh (active boolean);
	CREATE TABLE hydra_oauth2_authentication_session (remember boolean);
	INSERT INTO hydra_oauth2_refresh VALUES (true), (true), (false);
	INSERT INTO hydra_oauth2_authentication_session VALUES (true), (false);
	INSERT INTO hydra_oauth2_obfuscated_authentication_session VALUES ('erin', 'shop', 'erin at shop');
	INSERT INTO hydra_oauth2_trusted_jwt_bearer_issuer VALUES
		('11111111-2222-4333-8444-555555555555', 'https://jwt.example', '', true, 'api|openid', 'https://jwt.example', 'jwt-key', '2026-01-01', '2099-01-01'),
		('11111111-2222-4333-8444-666666666666', 'https://old.example', 'bob', false, 'api', 'https://jwt.example', 'jwt-key', '2020-01-01', '2021-01-01')`

const hydraV1 = `
	CREATE TABLE hydra_client (id text, client_name text, client_secret text, redirect_uris text, grant_types text, response_types text, scope text,
		owner text, subject_type text, token_endpoint_auth_method text, jwks text, metadata text, created_at timestamp);
	INSERT INTO hydra_client VALUES
		('shop', 'The Web', '$2a$04$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.', 'https://rp.example/cb|http://rp.example/cb',
			'authorization_code|client_credentials', 'code', 'openid api', 'team', 'public', 'client_secret_basic', '{}', '{"k": [1]}', '2020-01-01 12:00:00'),
		('implicit', '', '', 'https://rp.example/cb', 'implicit', 'token', 'openid', '', 'public', 'none', '{}', '{}', '2020-01-01 12:00:00');
	CREATE TABLE hydra_oauth2_consent_request (challenge text, subject text, client_id text, skip boolean);
	CREATE TABLE hydra_oauth2_consent_request_handled (challenge text, granted_scope text, remember boolean, remember_for int, error text,
		requested_at timestamp, handled_at timestamp, session_id_token text, session_access_token text);
	INSERT INTO hydra_oauth2_consent_request VALUES
		('c1', 'alice', 'shop', false), ('c2', 'alice', 'shop', false), ('c3', 'bob', 'shop', false), ('c4', 'carol', 'shop', false),
		('c5', 'dave', 'implicit', false), ('c6', 'erin', 'shop', false), ('c7', 'fred', 'shop', true);
	INSERT INTO hydra_oauth2_consent_request_handled VALUES
		('c1', 'openid', true, 0, '{}', '2026-01-01', '2026-01-01', '{"nick":"old"}', ''),
		('c2', 'openid|api', true, 0, '{}', '2026-01-02', '2026-01-02', '{"nick":"al","sub":"mallory"}', '{"tenant":7}'),
		('c3', 'openid', true, 60, '{}', '2026-01-01', '2026-01-01', '', ''),
		('c4', 'openid', false, 0, '{}', '2026-01-01', '2026-01-01', '', ''),
		('c5', 'openid', true, 0, '{}', '2026-01-01', '2026-01-01', '', ''),
		('c6', 'openid', true, 2000000000, '{}', '2026-01-01', '2026-01-01', '', ''),
		('c7', 'openid', true, 0, '{}', '2026-01-01', '2026-01-01', '', '')`

const hydraV2 = `
	CREATE TABLE hydra_client (id text, nid uuid, client_name text, client_secret text, redirect_uris jsonb, grant_types jsonb, response_types jsonb,
		scope text, owner text, subject_type text, token_endpoint_auth_method text, jwks text, metadata text, created_at timestamp,
		skip_consent boolean, client_credentials_grant_access_token_lifespan bigint, password_grant_access_token_lifespan bigint);
	INSERT INTO hydra_client VALUES
		('shop', '3eb6ee8e-fcc0-42db-a796-5976d993168a', 'The Web',
			'$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4',
			'["https://rp.example/cb","http://rp.example/cb"]', '["authorization_code","client_credentials"]', '["code"]', 'openid api', 'team',
			'public', 'client_secret_basic', '{}', '{"k": [1]}', '2020-01-01 12:00:00', true, 600000000000, 1),
		('implicit', '3eb6ee8e-fcc0-42db-a796-5976d993168a', '', '', '["https://rp.example/cb"]', '["implicit"]', '["token"]', 'openid', '',
			'public', 'none', '{}', '{}', '2020-01-01 12:00:00', false, null, null);
	CREATE TABLE hydra_oauth2_flow (login_challenge text, nid uuid, subject text, client_id text, consent_skip boolean, consent_error text,
		consent_remember boolean, consent_remember_for int, consent_challenge_id text, consent_handled_at timestamp, requested_at timestamp,
		granted_scope jsonb, session_id_token jsonb, session_access_token jsonb);
	INSERT INTO hydra_oauth2_flow
	SELECT l, '3eb6ee8e-fcc0-42db-a796-5976d993168a', s, c, k, '{}', r, f, l, h::timestamp, h::timestamp, g::jsonb, i::jsonb, a::jsonb
	FROM (VALUES
		('c1', 'alice', 'shop', false, true, 0, '2026-01-01', '["openid"]', '{"nick":"old"}', null),
		('c2', 'alice', 'shop', false, true, 0, '2026-01-02', '["openid","api"]', '{"nick":"al","sub":"mallory"}', '{"tenant":7}'),
		('c3', 'bob', 'shop', false, true, 60, '2026-01-01', '["openid"]', null, null),
		('c4', 'carol', 'shop', false, false, 0, '2026-01-01', '["openid"]', null, null),
		('c5', 'dave', 'implicit', false, true, 0, '2026-01-01', '["openid"]', null, null),
		('c6', 'erin', 'shop', false, true, 2000000000, '2026-01-01', '["openid"]', '{}', null),
		('c7', 'fred', 'shop', true, true, 0, '2026-01-01', '["openid"]', null, null)
	) AS rows (l, s, c, k, r, f, h, g, i, a)`

func newHydraFixture(t *testing.T, version string) *hydraFixture {
	t.Helper()
	f := &hydraFixture{t: t, url: storetest.PostgresURL(t), kid: "public:hydra.openid.id-token"}
	conn, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	f.conn = conn
	t.Cleanup(func() { f.conn.Close(t.Context()) })
	f.exec(hydraTables)
	f.exec(version)
	f.signing = servertest.RSAKey(t)
	f.key("hydra.openid.id-token", f.kid, jose.JSONWebKey{Key: f.signing.Public(), KeyID: f.kid, Algorithm: "RS256", Use: "sig"})
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.key("mine", "k1", jose.JSONWebKey{Key: private, KeyID: "k1", Algorithm: "ES256", Use: "sig"})
	f.key("https://jwt.example", "jwt-key", jose.JSONWebKey{Key: private.Public(), KeyID: "jwt-key", Algorithm: "ES256", Use: "sig"})
	return f
}

func (f *hydraFixture) exec(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.conn.Exec(f.t.Context(), statement, args...); err != nil {
		f.t.Fatal(err)
	}
}

// key inserts a key into a set, encrypted as Hydra does.
func (f *hydraFixture) key(set, kid string, key jose.JSONWebKey) {
	f.t.Helper()
	raw, err := key.MarshalJSON()
	if err != nil {
		f.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(hydraSecret))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		f.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		f.t.Fatal(err)
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := base64.URLEncoding.EncodeToString(aead.Seal(nonce, nonce, raw, nil))
	f.exec(`INSERT INTO hydra_jwk VALUES ($1, $2, $3, '2026-01-01')`, set, kid, sealed)
}
