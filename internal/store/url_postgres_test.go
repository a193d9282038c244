package store_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
)

// urlsWith returns valid and invalid URLs with a password in every position and
// encoding.
func urlsWith(password string) []string {
	var all []string
	for _, written := range []string{password, url.QueryEscape(password), url.PathEscape(password), "%" + password, "12/" + password, "12?" + password, "12#" + password, "%zz" + password} {
		for _, form := range []string{
			"postgres://user:SECRET@localhost:1/db", "postgres://user:SECRET@localhost:1/db?sslmode=nonsense",
			"postgres://user:SECRET@localhost:port/db", "postgres://user:SECRET@[::1/db", "postgres://user:SECRET@/db?host=/nowhere&port=x",
			"postgres://user@localhost:1/db?password=SECRET", "postgres://user@localhost:1/db?password=SECRET&sslmode=nonsense",
			"postgres://user@localhost:1/db?sslpassword=SECRET&sslkey=/nowhere&sslcert=/nowhere&sslmode=require",
			"postgres://user:SECRET@localhost:1/db?connect_timeout=x", "postgres://user:SECRET@localhost:1/db?pool_max_conns=x",
			"postgres://:SECRET@", "postgres://user:SECRET@localhost:1/db?connect_timeout=1",
		} {
			all = append(all, strings.ReplaceAll(form, "SECRET", written))
		}
	}
	return all
}

// errorsOf opens the database of a URL and uses it, and returns the error texts.
func errorsOf(t *testing.T, address string) string {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: address, MaxConns: 1})
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	if err = s.Ping(t.Context()); err != nil {
		return err.Error()
	}
	return ""
}

// No error about a database URL contains a part of a password, encoded or not.
func FuzzNoErrorTellsADatabasePassword(f *testing.F) {
	for _, seed := range []string{"Zq7wK9", "Zq7/wK9", "Zq7@wK9", "Zq7#wK9%zz", "Zq7?wK9=Vx3", "Zq7 wK9:Vx3", "Zq7%wK9", "\x7fZq7", "Zq7'wK9\"Vx3\\Yj5", "Zq7,wK9&Vx3;Yj5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, password string) {
		for _, address := range urlsWith(password) {
			told := errorsOf(t, address)
			for _, word := range secretWords(password) {
				if strings.Contains(told, word) {
					t.Errorf("of %q an error tells %q: %s", address, word, told)
				}
			}
		}
	})
}

// secretWords returns the parts of a password that do not occur in messages otherwise:
// letters and digits, long enough.
func secretWords(password string) (words []string) {
	for _, word := range strings.FieldsFunc(password, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	}) {
		if len(word) >= 3 && strings.ContainsAny(word, "QWKVXYZJ") {
			words = append(words, word)
		}
	}
	return words
}
