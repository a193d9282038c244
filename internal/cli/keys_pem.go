package cli

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/ostiary/ostiary/internal/jwks"
)

// parsePrivateKey parses the private key of a PEM text. It ignores other blocks, such as the
// curve parameters that openssl writes.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	var found crypto.Signer
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		key, err := parseKeyBlock(block)
		if err != nil {
			return nil, err
		}
		if key == nil {
			continue
		}
		if found != nil {
			return nil, errors.New("contains more than one private key")
		}
		found = key
	}
	if found == nil {
		return nil, errors.New("contains no private key in PEM")
	}
	return found, nil
}

// parseKeyBlock returns the key of a PEM block, or nil for a block without a private key.
func parseKeyBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")):
		return nil, errors.New("contains an encrypted key: decrypt it first")
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, errors.New("contains an invalid private key") // the error of the parser may quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("contains a private key that cannot sign")
	}
	return signer, nil
}

// algorithmFor returns the signature algorithm of a key. The key manager checks whether the
// key supports it.
func algorithmFor(signer crypto.Signer, requested jwks.Algorithm) (jwks.Algorithm, error) {
	usual := jwks.AlgorithmOf(signer.Public())
	if usual == "" {
		return "", errors.New("holds a key of a kind that no algorithm takes")
	}
	return cmp.Or(requested, usual), nil
}
