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

// parsePrivateKey reads the one private key of a PEM text. What openssl writes
// before it, as the parameters of a curve, is passed over.
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
			return nil, errors.New("holds more than one private key")
		}
		found = key
	}
	if found == nil {
		return nil, errors.New("holds no private key in PEM")
	}
	return found, nil
}

// parseKeyBlock returns nil for a block of another kind.
func parseKeyBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")):
		return nil, errors.New("holds a key that is encrypted: decrypt it first")
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
		return nil, errors.New("holds a private key that is not understood") // the parser's words may quote it
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("holds a private key that cannot sign")
	}
	return signer, nil
}

// algorithmFor returns what the key is to sign with. Whether it can is for the key
// manager to say.
func algorithmFor(signer crypto.Signer, asked jwks.Algorithm) (jwks.Algorithm, error) {
	usual := jwks.AlgorithmOf(signer.Public())
	if usual == "" {
		return "", errors.New("holds a key of a kind that no algorithm takes")
	}
	return cmp.Or(asked, usual), nil
}
