package limits

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/ostiary/ostiary/bench/meter"
)

// task is a processor-bound operation.
type task struct {
	name string
	do   func() error
}

// Processor measures signing, verifying and hashing, on one core and on all.
func Processor(ctx context.Context, d time.Duration, each func(Limit) error) error {
	all, err := tasks()
	if err != nil {
		return err
	}
	m, err := meter.New(ctx, meter.Config{})
	if err != nil {
		return fmt.Errorf("start the meter: %w", err)
	}
	g := gauge{m, func(r meter.Reading) time.Duration { return r.Generator }, d, each}
	for _, w := range all {
		for _, n := range cores() {
			callers, err := newCallers(n, func() (func() error, error) { return w.do, nil })
			if err != nil {
				return err
			}
			if err := g.measure(ctx, w.name, callers); err != nil {
				return err
			}
		}
	}
	return nil
}

var errBadSignature = errors.New("a valid signature was not verified")

func tasks() ([]task, error) {
	digest := sha256.Sum256([]byte("payload"))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate an RSA key: %w", err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate an EC key: %w", err)
	}
	public, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate an Ed25519 key: %w", err)
	}
	rsaSigned, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, digest[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	ecSigned, err := ecdsa.SignASN1(rand.Reader, ecKey, digest[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	edSigned := ed25519.Sign(edKey, digest[:])
	verified := func(ok bool) error {
		if !ok {
			return errBadSignature
		}
		return nil
	}
	return []task{
		{"sign RS256-2048", func() error {
			_, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, digest[:])
			return err
		}},
		{"verify RS256-2048", func() error { return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest[:], rsaSigned) }},
		{"sign ES256", func() error {
			_, err := ecdsa.SignASN1(rand.Reader, ecKey, digest[:])
			return err
		}},
		{"verify ES256", func() error { return verified(ecdsa.VerifyASN1(&ecKey.PublicKey, digest[:], ecSigned)) }},
		{"sign EdDSA", func() error { ed25519.Sign(edKey, digest[:]); return nil }},
		{"verify EdDSA", func() error { return verified(ed25519.Verify(public, digest[:], edSigned)) }},
		{"HMAC-SHA-256", func() error {
			mac := hmac.New(sha256.New, digest[:])
			mac.Write(digest[:])
			mac.Sum(nil)
			return nil
		}},
		{"argon2id 19 MiB, t=2", func() error { argon2.IDKey(digest[:], digest[:16], 2, 19<<10, 1, 32); return nil }},
		{"argon2id 64 MiB, t=2", func() error { argon2.IDKey(digest[:], digest[:16], 2, 64<<10, 1, 32); return nil }},
	}, nil
}
