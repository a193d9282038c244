package jwks

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/keyring"
)

// Shorter RSA keys are unsafe, and one signature with a longer key takes milliseconds of
// processor time.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// key is an opened [Record].
type key struct {
	record Record
	signer crypto.Signer // nil for keys that only verify, see [Manager.AddForeignKeys]
	public jose.JSONWebKey
	// header is the start of the JWS header, common to all tokens of the key.
	header string
}

// generate returns a new private key whose kid does not begin with a hyphen, so that it can
// be a command line argument.
func generate(alg Algorithm) (crypto.Signer, error) {
	for {
		signer, err := generateAny(alg)
		if err != nil {
			return nil, err
		}
		kid, err := KID(signer.Public())
		if err != nil {
			return nil, err
		}
		if kid[0] != '-' {
			return signer, nil
		}
	}
}

func generateAny(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("algorithm %q: %w", alg, ErrUnknownKey)
}

// checkKeyType returns an error if the key of public cannot sign with alg.
func checkKeyType(alg Algorithm, public crypto.PublicKey) error {
	switch public := public.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		if alg != RS256 && alg != PS256 {
			return fmt.Errorf("an RSA key cannot sign %s", alg)
		}
		if bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("an RSA key of %d bits is not within %d and %d", bits, minRSABits, maxRSABits)
		}
	case *ecdsa.PublicKey:
		if alg != ES256 || public.Curve != elliptic.P256() {
			return fmt.Errorf("an EC key on %s cannot sign %s", public.Curve.Params().Name, alg)
		}
	case ed25519.PublicKey:
		if alg != EdDSA {
			return fmt.Errorf("an Ed25519 key cannot sign %s", alg)
		}
	default:
		return fmt.Errorf("a key of type %T cannot sign %s", public, alg)
	}
	return nil
}

// publicJWK returns the JWK of a public key. Its kid is the thumbprint (RFC 7638), so that a
// kid always identifies the same key.
func publicJWK(alg Algorithm, public crypto.PublicKey) (jose.JSONWebKey, error) {
	jwk := jose.JSONWebKey{Key: public, Algorithm: string(alg), Use: "sig"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("take thumbprint: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return jwk, nil
}

// KID returns the kid of a key: its thumbprint (RFC 7638).
func KID(public crypto.PublicKey) (string, error) {
	jwk, err := publicJWK("", public)
	return jwk.KeyID, err
}

// AlgorithmOf returns the default algorithm for the type of the key, or "" if the type is
// not supported.
func AlgorithmOf(public crypto.PublicKey) Algorithm {
	switch public.(type) {
	case *rsa.PublicKey:
		return RS256
	case *ecdsa.PublicKey:
		return ES256
	case ed25519.PublicKey:
		return EdDSA
	}
	return ""
}

// sealPurpose binds a sealed key to its row: in another row it cannot be opened.
func sealPurpose(kid string, alg Algorithm) string {
	return "ostiary/signing-key/" + string(alg) + "/" + kid
}

// sealKey returns the record of a new next key.
func sealKey(s *keyring.Keyring, alg Algorithm, signer crypto.Signer) (Record, error) {
	public, err := publicJWK(alg, signer.Public())
	if err != nil {
		return Record{}, err
	}
	sealed, err := seal(s, alg, public.KeyID, signer)
	if err != nil {
		return Record{}, err
	}
	return Record{KID: public.KeyID, Algorithm: alg, State: Next, Sealed: sealed}, nil
}

// seal seals the private key of a record.
func seal(s *keyring.Keyring, alg Algorithm, kid string, signer crypto.Signer) ([]byte, error) {
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	sealed, err := s.Seal(sealPurpose(kid, alg), private)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return sealed, nil
}

// openKey opens a record. It returns an error if the key does not match the algorithm and
// the kid of the record.
func openKey(s *keyring.Keyring, r Record) (*key, error) {
	if r.State == Hint {
		return openForeignKey(s, r)
	}
	private, err := s.Open(sealPurpose(r.KID, r.Algorithm), r.Sealed)
	if errors.Is(err, keyring.ErrNoMatchingSecret) && r.State == Past {
		return openForeignKey(s, r)
	}
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("decode key: %w", err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", parsed)
	}
	if err := checkKeyType(r.Algorithm, signer.Public()); err != nil {
		return nil, err
	}
	public, err := publicJWK(r.Algorithm, signer.Public())
	if err != nil {
		return nil, err
	}
	if public.KeyID != r.KID {
		return nil, errors.New("the kid is not the thumbprint of the key")
	}
	return &key{record: r, signer: signer, public: public, header: headerStart(r.Algorithm, r.KID)}, nil
}

// sign returns the JWS signature over input.
func (k *key) sign(ctx context.Context, input []byte, queue *admission.Queue) ([]byte, error) {
	switch k.record.Algorithm {
	case RS256, PS256:
		slot, err := acquire(ctx, queue)
		if err != nil {
			return nil, err
		}
		defer slot.Release()
		runtime.Gosched() // let short work run before this millisecond
		var opts crypto.SignerOpts = crypto.SHA256
		if k.record.Algorithm == PS256 {
			opts = pssOptions()
		}
		digest := sha256.Sum256(input)
		return k.signer.Sign(rand.Reader, digest[:], opts)
	case ES256:
		digest := sha256.Sum256(input)
		der, err := k.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return rawES256(der)
	case EdDSA:
		return k.signer.Sign(rand.Reader, input, crypto.Hash(0))
	}
	return nil, ErrUnknownKey
}

// signatureSize returns the size in bytes of a signature of the key.
func (k *key) signatureSize() int {
	if public, ok := k.public.Key.(*rsa.PublicKey); ok {
		return public.Size()
	}
	return 64 // ES256 and EdDSA
}

// verify reports whether signature is a valid signature of the key over input.
func (k *key) verify(input, signature []byte) bool {
	switch public := k.public.Key.(type) {
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		if k.record.Algorithm == PS256 {
			return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, pssOptions()) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(input)
		r, s, ok := splitES256(signature)
		return ok && ecdsa.Verify(public, digest[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	}
	return false
}

// pssOptions returns the options of RFC 7518 §3.5: the salt has the size of the hash.
func pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}
