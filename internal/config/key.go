package config

import (
	"slices"
	"strings"
)

// key is one setting. Its name is used in the file and by --set, and the environment
// variable derives from it.
type key struct {
	name    string
	doc     string
	allowed string
	secret  bool
	parse   func(c *Config, text string) error
	write   func(c *Config) string // reveals secrets; see show
}

// kind parses, validates and writes values of one type.
type kind[T any] struct {
	allowed string
	secret  bool
	parse   func(text string) (T, error)
	write   func(T) string
}

// field returns the key that sets a field of [Config].
func field[T any](name string, k kind[T], at func(*Config) *T, doc string) key {
	return key{
		name: name, doc: doc, allowed: k.allowed, secret: k.secret,
		parse: func(c *Config, text string) error {
			v, err := k.parse(text)
			if err != nil {
				return err
			}
			*at(c) = v
			return nil
		},
		write: func(c *Config) string { return k.write(*at(c)) },
	}
}

// env returns the environment variable of the key.
func (k *key) env() string { return prefix + strings.ToUpper(k.name) }

// show returns the value, or a placeholder for a secret.
func (k *key) show(c *Config) string {
	text := k.write(c)
	if k.secret {
		return NewSecret(text).String()
	}
	return text
}

const (
	prefix     = "OSTIARY_"
	fileSuffix = "_file"
)

// find returns the key that name sets, and whether the value is the path of a file that
// contains it, which every secret supports.
func find(all []key, name string) (k *key, inFile bool) {
	for i := range all {
		switch {
		case name == all[i].name:
			return &all[i], false
		case all[i].secret && name == all[i].name+fileSuffix:
			return &all[i], true
		}
	}
	return nil, false
}

// nearest returns the known key with the smallest edit distance to an unknown one.
func nearest(all []key, unknown string) string {
	var known []string
	for i := range all {
		known = append(known, all[i].name)
		if all[i].secret {
			known = append(known, all[i].name+fileSuffix)
		}
	}
	return Nearest(known, unknown)
}

// Nearest returns the known name with the smallest edit distance to an unknown one, and the
// first of several.
func Nearest(known []string, unknown string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(unknown, a) - distance(unknown, b) })
}

// distance returns the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
