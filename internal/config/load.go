package config

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Sources are where a configuration is read from, the later ones winning.
type Sources struct {
	// Defaults replace built-in defaults, by the name of the key, as a command such
	// as dev needs.
	Defaults map[string]string
	// File is the path of a YAML file, or empty.
	File string
	// Environ is what os.Environ returns; only OSTIARY_* is read.
	Environ []string
	// Override holds what flags said, by the name of the key.
	Override map[string]string
	// Require names the keys that must have a value in the end.
	Require []string
}

// ServeRequires are the keys without which production does not start.
func ServeRequires() []string {
	return []string{"issuer", "system_secrets", "database_url"}
}

// Load reads a configuration and checks it. A faulty one is refused with an
// *[Error] that lists every fault. An empty value is the same as none.
func Load(src Sources) (*Config, error) {
	l := loader{config: Default(), keys: keys(), faulty: map[string]bool{}}
	l.apply(fromMap(src.Defaults, "default of the command"))
	if src.File != "" {
		l.applyFile(src.File, src.Require)
	}
	l.apply(fromEnviron(src.Environ))
	l.apply(fromMap(src.Override, "flag"))

	for _, fault := range l.config.disagreements(src.Require) {
		// A key whose value was refused is not missing as well.
		if !l.faulty[fault.Key] {
			l.faults = append(l.faults, fault)
		}
	}
	if len(l.faults) > 0 {
		return nil, &Error{l.faults}
	}
	return l.config, nil
}

// setting is a value as somebody wrote it.
type setting struct {
	name   string // as a key has it, in lower case and without prefix
	shown  string // as it was written
	value  string
	source string
}

type loader struct {
	config *Config
	keys   []key
	faults []Fault
	faulty map[string]bool
}

// applyFile sets the values of the file. Of one that nobody can read it is not said
// that keys are missing in it.
func (l *loader) applyFile(path string, require []string) {
	settings, faults := readFile(path)
	l.faults = append(l.faults, faults...)
	for _, f := range faults {
		l.faulty[f.Key] = true
	}
	if settings == nil && faults != nil {
		for _, name := range require {
			l.faulty[name] = true
		}
	}
	l.apply(settings)
}

// apply sets one source's values.
func (l *loader) apply(settings []setting) {
	set := map[string]bool{}
	for _, s := range settings {
		if s.value == "" {
			continue
		}
		k, inFile := find(l.keys, s.name)
		if k == nil {
			l.fault(s, "", l.unknown(s), "")
			continue
		}
		if set[k.name] {
			l.fault(s, "", "is set twice, here and "+k.name+" with or without _file", "")
			continue
		}
		set[k.name] = true
		l.set(k, s, inFile)
	}
}

func (l *loader) set(k *key, s setting, inFile bool) {
	text, shown := s.value, strconv.Quote(s.value)
	if inFile {
		var err error
		if text, err = readSecret(s.value); err != nil {
			l.faulty[k.name] = true
			l.fault(s, shown, err.Error(), "the path of a file that holds the value")
			return
		}
	}
	if k.secret {
		shown = redacted
	}
	if err := k.parse(l.config, text); err != nil {
		l.faulty[k.name] = true
		l.fault(s, shown, err.Error(), k.allowed)
	}
}

func (l *loader) fault(s setting, value, problem, allowed string) {
	l.faults = append(l.faults, Fault{Key: s.shown, Source: s.source, Value: value, Problem: problem, Allowed: allowed})
}

// unknown names the known key that may have been meant, as the unknown one was written.
// A word that is all another one is of no help.
func (l *loader) unknown(s setting) string {
	name := nearest(l.keys, s.name)
	if distance(s.name, name) > len(s.name)/2 {
		return "is unknown"
	}
	if strings.HasPrefix(s.shown, prefix) {
		name = prefix + strings.ToUpper(name)
	}
	return "is unknown; did you mean " + name + "?"
}

func fromMap(values map[string]string, source string) []setting {
	var settings []setting
	for _, name := range slices.Sorted(maps.Keys(values)) {
		settings = append(settings, setting{name, name, values[name], source})
	}
	return settings
}

// readSecret reads a file that holds a secret. The line end that editors add is
// not part of it.
func readSecret(path string) (string, error) {
	text, err := readAtMost(path, 64<<10)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", errors.New("is an empty file")
	}
	return secret, nil
}

// readAtMost reads a file of a bounded size. Its errors do not quote the path: the
// fault does, and when somebody has put the secret itself where the path belongs
// it is the only place to take care of.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case int64(len(data)) > limit:
		return nil, errors.New("is too large a file")
	}
	return data, nil
}
