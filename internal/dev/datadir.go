package dev

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// dataDir is the directory of secrets, database and certificate. Other users of the machine
// cannot read it.
type dataDir struct{ dir string }

func openDataDir(dir string) (*dataDir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return &dataDir{dir}, nil
}

func (f *dataDir) path(name string) string { return filepath.Join(f.dir, name) }

// loadOrCreate returns the content of a file, which make creates if it is missing. The file is
// written under a temporary name and renamed, so that it is complete or missing.
func (f *dataDir) loadOrCreate(name string, make func() ([]byte, error)) ([]byte, error) {
	content, err := os.ReadFile(f.path(name))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, fileError(name, err)
	}
	if content, err = make(); err != nil {
		return nil, err
	}
	return content, f.write(name, content)
}

func (f *dataDir) write(name string, content []byte) error {
	tmp := f.path(name + ".new")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return fileError(name, err)
	}
	return fileError(name, os.Rename(tmp, f.path(name)))
}

func fileError(name string, err error) error {
	if err != nil {
		return fmt.Errorf("data file %s: %w", name, err)
	}
	return nil
}

// secret returns 256 random bits, the same at each start.
func (f *dataDir) secret(name string) (string, error) {
	content, err := f.loadOrCreate(name, func() ([]byte, error) {
		b := make([]byte, 32)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
		return []byte(base64.RawURLEncoding.EncodeToString(b)), nil
	})
	return string(content), err
}

// writeConfig writes a configuration file with which other commands use the same data.
func (f *dataDir) writeConfig(issuer string) error {
	text := "# Written by ostiary dev at each start; use it with ostiary --config.\n" +
		"issuer: " + issuer + "\n" +
		"database_url: " + yamlQuote("sqlite:"+f.path("ostiary.db")) + "\n" +
		"system_secrets_file: " + yamlQuote(f.path("system_secret")) + "\n" +
		"registration: open\n"
	return f.write("config.yaml", []byte(text))
}

// yamlQuote returns a YAML scalar. JSON strings are YAML strings.
func yamlQuote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(b)
}

const (
	certFile = "tls_cert.pem"
	keyFile  = "tls_key.pem"
)

// certificate returns the files of a certificate for localhost, which is created if it is
// missing or has expired. It is RSA, which all clients support.
func (f *dataDir) certificate() (cert, key string, err error) {
	cert, key = f.path(certFile), f.path(keyFile)
	if pair, err := tls.LoadX509KeyPair(cert, key); err == nil && time.Now().Before(pair.Leaf.NotAfter) {
		return cert, key, nil
	}
	certPEM, keyPEM, err := SelfSigned(time.Now())
	if err != nil {
		return "", "", fmt.Errorf("make certificate: %w", err)
	}
	return cert, key, errors.Join(f.write(keyFile, keyPEM), f.write(certFile, certPEM))
}

// SelfSigned returns a self-signed certificate for localhost and its key, in PEM. It is
// valid for a year from at.
func SelfSigned(at time.Time) (cert, key []byte, err error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("make serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Ostiary dev on localhost"},
		NotBefore: at.Add(-time.Hour), NotAfter: at.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("write key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// httpClient returns a client that trusts the generated certificate.
func (f *dataDir) httpClient(secure bool) (*http.Client, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	if secure {
		pemText, err := os.ReadFile(f.path(certFile))
		if err != nil {
			return nil, fileError(certFile, err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pemText)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}
