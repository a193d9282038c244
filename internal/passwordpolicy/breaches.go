package passwordpolicy

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // lists of breached passwords have SHA-1 hashes
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sort"
)

// Digest is the SHA-1 of a password in UTF-8, by which lists of breached passwords name it.
type Digest [sha1.Size]byte

// Breaches is a list of passwords from data breaches.
type Breaches interface {
	// Contains reports whether the list has a password. It takes at most a few seconds.
	Contains(ctx context.Context, password Digest) (bool, error)
}

// isBreached reports whether a password is on the list of breached passwords. If the list
// cannot be read, the password counts as not breached, and the log has the reason.
func (p *Policy) isBreached(ctx context.Context, password string) bool {
	if p.Breaches == nil {
		return false
	}
	found, err := p.Breaches.Contains(ctx, sha1.Sum([]byte(password))) //nolint:gosec // see the import
	if err != nil && ctx.Err() == nil {
		p.Log.LogAttrs(ctx, slog.LevelWarn, "breached passwords not checked", slog.String("error", err.Error()))
	}
	return found && err == nil
}

// BreachFile is a file of SHA-1 hashes in ascending order: 20 bytes each, or lines of 40
// hexadecimal digits in upper case, which a colon and a count may follow.
type BreachFile struct {
	file *os.File
	size int64
	text bool
}

// maxBreachLine is the maximum length of a line: hash, colon, count and line end.
const maxBreachLine = 2*sha1.Size + 24

var errBreachFile = errors.New("must have SHA-1 hashes in ascending order: 20 bytes each, or a line of 40 hexadecimal digits in upper case")

// OpenBreachFile opens a file of hashes. It returns an error if the file begins with something
// else.
func OpenBreachFile(path string) (*BreachFile, error) {
	file, err := os.Open(path) //nolint:gosec // the path is a setting
	if err != nil {
		return nil, fmt.Errorf("open breached passwords: %w", err)
	}
	b := &BreachFile{file: file}
	if err := b.inspect(); err != nil {
		return nil, errors.Join(fmt.Errorf("breached passwords: %w", err), file.Close())
	}
	return b, nil
}

// inspect finds the size and the format of the file.
func (b *BreachFile) inspect() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	b.size = info.Size()
	line, _, err := b.line(0)
	if err != nil {
		return err
	}
	if _, err := parseBreachLine(line); err == nil {
		b.text = true
		return nil
	}
	if b.size == 0 || b.size%sha1.Size != 0 {
		return errBreachFile
	}
	return nil
}

// Contains searches the file. It reads it about 40 times for a billion hashes.
func (b *BreachFile) Contains(_ context.Context, password Digest) (bool, error) {
	if b.text {
		return b.searchLines(password)
	}
	var failed error
	at := func(i int) (d Digest) {
		if _, err := b.file.ReadAt(d[:], int64(i)*sha1.Size); err != nil {
			failed = err
		}
		return d
	}
	n := int(b.size / sha1.Size)
	i := sort.Search(n, func(i int) bool { d := at(i); return bytes.Compare(d[:], password[:]) >= 0 })
	found := i < n && at(i) == password
	if failed != nil {
		return false, fmt.Errorf("read breached passwords: %w", failed)
	}
	return found, nil
}

// searchLines searches lines of different lengths. The line of the password begins at low or
// later, and before high. A line begins at low.
func (b *BreachFile) searchLines(password Digest) (bool, error) {
	low, high := int64(0), b.size
	for low < high {
		middle := low + (high-low)/2
		start := low
		if middle > low {
			var err error
			if _, start, err = b.line(middle - 1); err != nil {
				return false, err
			}
		}
		if start >= high { // no line begins at middle or later
			high = middle
			continue
		}
		line, next, err := b.line(start)
		if err != nil {
			return false, err
		}
		digest, err := parseBreachLine(line)
		if err != nil {
			return false, err
		}
		switch bytes.Compare(digest[:], password[:]) {
		case 0:
			return true, nil
		case -1:
			low = next
		default:
			high = middle
		}
	}
	return false, nil
}

// line returns the bytes from an offset to the end of their line, and the offset of the next
// line.
func (b *BreachFile) line(from int64) (line []byte, next int64, err error) {
	buffer := make([]byte, maxBreachLine)
	n, err := b.file.ReadAt(buffer, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read breached passwords: %w", err)
	}
	line, _, ended := bytes.Cut(buffer[:n], []byte("\n"))
	next = from + int64(len(line))
	if ended {
		next++
	}
	return line, next, nil
}

// parseBreachLine returns the hash of a line.
func parseBreachLine(line []byte) (d Digest, err error) {
	text, _, _ := bytes.Cut(bytes.TrimRight(line, "\r"), []byte(":"))
	if len(text) != 2*sha1.Size || !bytes.Equal(text, bytes.ToUpper(text)) {
		return d, errBreachFile
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return d, errBreachFile
	}
	return d, nil
}
