// Package datafile makes the file with everything that is stored about an account, which its
// user downloads. A worker makes it in the background, and the store keeps it sealed for a day.
package datafile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

const (
	// Lifetime is how long a file is kept after it was made, and a request for one until it
	// is made.
	Lifetime = 24 * time.Hour
	// MaxFiles bounds the files of all accounts together.
	MaxFiles = 10_000
	// maxSize bounds the text of a file in bytes.
	maxSize = 32 << 20
)

var (
	// ErrNotFound reports an account without a file, or without a request for one.
	ErrNotFound = errors.New("no data file")
	// ErrTooMany reports that the store has [MaxFiles].
	ErrTooMany = errors.New("too many data files")
)

// File is a file of an account, or the request for one.
type File struct {
	Subject     string
	RequestedAt time.Time
	Attempts    int       // to make it
	MadeAt      time.Time // zero until it is made
	ExpiresAt   time.Time
}

// Store keeps files.
type Store interface {
	// RequestDataFile requests a file of an account, in place of an earlier file. It does nothing
	// while a file is being made, and returns [ErrTooMany] if there are most files in all.
	RequestDataFile(ctx context.Context, subject string, now time.Time, most int) error
	// DataFile returns the file of an account, or [ErrNotFound].
	DataFile(ctx context.Context, subject string, now time.Time) (*File, error)
	// DataFileContent returns the sealed content of a file that was made, or [ErrNotFound].
	DataFileContent(ctx context.Context, subject string, now time.Time) ([]byte, error)
	// ClaimDataFile returns the next file to make, and hides it from other callers until lease. It
	// returns [ErrNotFound] if there is none.
	ClaimDataFile(ctx context.Context, now, lease time.Time) (*File, error)
	// SaveDataFile stores the content of a claimed file, unless it was claimed or requested
	// again, or has been removed.
	SaveDataFile(ctx context.Context, f *File, content []byte) error
}

// Service requests and returns the files of accounts.
type Service struct {
	Store   Store
	Secrets *keyring.Keyring
	Worker  *Worker
}

// Request starts to make the file of an account, in place of an earlier file. It does nothing
// while a file is being made, and returns [ErrTooMany] if there are too many.
func (s *Service) Request(ctx context.Context, subject string, now time.Time) error {
	if err := s.Store.RequestDataFile(ctx, subject, now, MaxFiles); err != nil {
		return fmt.Errorf("request data file: %w", err)
	}
	s.Worker.Wake()
	return nil
}

// File returns the file of an account, or [ErrNotFound].
func (s *Service) File(ctx context.Context, subject string, now time.Time) (*File, error) {
	return s.Store.DataFile(ctx, subject, now)
}

// Content returns the text of the file of an account, as JSON. It returns [ErrNotFound] if none
// was made, and for a file under a system secret that is no longer configured.
func (s *Service) Content(ctx context.Context, subject string, now time.Time) ([]byte, error) {
	sealed, err := s.Store.DataFileContent(ctx, subject, now)
	if err != nil {
		return nil, err
	}
	packed, err := s.Secrets.Open(purpose(subject), sealed)
	if errors.Is(err, keyring.ErrNoMatchingSecret) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open data file: %w", err)
	}
	return unpack(packed)
}

// purpose binds the sealed content to its account.
func purpose(subject string) string { return "data file\x00" + subject }

func pack(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress data file: %w", err)
	}
	return packed.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompress data file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, fmt.Errorf("decompress data file: %w", err)
	}
	return text, nil
}
