package passwordpolicy_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// breached returns n hashes in ascending order.
func breached(n int) []passwordpolicy.Digest {
	list := make([]passwordpolicy.Digest, n)
	for i := range list {
		list[i] = sha1.Sum(fmt.Append(nil, "breached ", i))
	}
	slices.SortFunc(list, func(a, b passwordpolicy.Digest) int { return bytes.Compare(a[:], b[:]) })
	return list
}

func writeBreaches(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "breaches")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// All hashes of a file are found, and no others, in each format, for files of several lengths.
func TestBreachFile(t *testing.T) {
	t.Parallel()
	formats := map[string]func(i int, d passwordpolicy.Digest) string{
		"bytes":             func(_ int, d passwordpolicy.Digest) string { return string(d[:]) },
		"lines":             func(_ int, d passwordpolicy.Digest) string { return fmt.Sprintf("%X\n", d) },
		"lines with counts": func(i int, d passwordpolicy.Digest) string { return fmt.Sprintf("%X:%d\r\n", d, i*i*i) },
		"no line end at the end": func(i int, d passwordpolicy.Digest) string {
			return strings.Repeat("\n", min(i, 1)) + fmt.Sprintf("%X:%d", d, i)
		},
	}
	for name, write := range formats {
		for _, n := range []int{1, 2, 3, 7, 100, 1000} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				t.Parallel()
				list := breached(n)
				var text strings.Builder
				for i, d := range list {
					text.WriteString(write(i, d))
				}
				file, err := passwordpolicy.OpenBreachFile(writeBreaches(t, text.String()))
				if err != nil {
					t.Fatal(err)
				}
				for i, d := range list {
					if found, err := file.Contains(t.Context(), d); err != nil || !found {
						t.Errorf("hash %d: Contains = %v, %v, want true", i, found, err)
					}
					d[19]++
					if found, err := file.Contains(t.Context(), d); err != nil || found {
						t.Errorf("the hash after %d: Contains = %v, %v, want false", i, found, err)
					}
				}
				for _, d := range []passwordpolicy.Digest{{}, passwordpolicy.Digest(bytes.Repeat([]byte{0xff}, 20))} {
					if found, err := file.Contains(t.Context(), d); err != nil || found {
						t.Errorf("Contains(%x) = %v, %v, want false", d, found, err)
					}
				}
			})
		}
	}
}

func TestOtherFilesAreNoBreachFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "passwords": "123456\npassword\n", "lower case": fmt.Sprintf("%x\n", breached(1)[0]), "half a hash": "0123456789",
	} {
		if file, err := passwordpolicy.OpenBreachFile(writeBreaches(t, text)); err == nil {
			t.Errorf("%s: OpenBreachFile = %v, want an error", name, file)
		}
	}
}

// list is a list of one password, or an unreadable list.
type list struct {
	password string
	err      error
}

func (l list) Contains(_ context.Context, d passwordpolicy.Digest) (bool, error) {
	return d == sha1.Sum([]byte(l.password)), l.err
}

func TestBreachedPasswordsAreRejected(t *testing.T) {
	t.Parallel()
	const password = "eight unrelated words"
	for name, tc := range map[string]struct {
		list list
		want passwordpolicy.Reason
		log  string
	}{
		"on the list":          {list{password, nil}, passwordpolicy.Breached, ""},
		"not on the list":      {list{"another", nil}, "", ""},
		"the list is not read": {list{password, errors.New("no route")}, "", "no route"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			p := policy()
			p.Breaches, p.Log = tc.list, slog.New(slog.NewTextHandler(&log, nil))
			if got := reason(p.Check(t.Context(), passwordpolicy.Choice{Password: password})); got != tc.want {
				t.Errorf("Check = %q, want %q", got, tc.want)
			}
			if !strings.Contains(log.String(), tc.log) || tc.log == "" && log.Len() > 0 || strings.Contains(log.String(), password) {
				t.Errorf("the log has %q, want %q", log.String(), tc.log)
			}
		})
	}
}
