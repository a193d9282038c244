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

// Sources are the sources of a configuration, in increasing precedence.
type Sources struct {
	// Defaults replace built-in defaults, by key, for commands such as dev.
	Defaults map[string]string
	// File is the path of a YAML file, or empty.
	File string
	// Environ has the form of [os.Environ]; only OSTIARY_* is read.
	Environ []string
	// Override has the values of flags, by key.
	Override map[string]string
	// Require lists the keys that must have a value.
	Require []string
}

// ServeRequires returns the keys that serve requires.
func ServeRequires() []string {
	return []string{"issuer", "system_secrets", "database_url"}
}

// Load reads and validates a configuration. If it is invalid, Load returns an *[Error] that
// lists all faults. An empty value counts as unset.
func Load(src Sources) (*Config, error) {
	l := loader{config: Default(), keys: keys(), faulty: map[string]bool{}}
	l.apply(fromMap(src.Defaults, "default of the command"))
	if src.File != "" {
		l.applyFile(src.File, src.Require)
	}
	l.apply(fromEnviron(src.Environ))
	l.apply(fromMap(src.Override, "flag"))

	for _, fault := range l.config.conflicts(src.Require) {
		// A key with an invalid value is not reported as missing, too.
		if !l.faulty[fault.Key] {
			l.faults = append(l.faults, fault)
		}
	}
	if len(l.faults) > 0 {
		return nil, &Error{l.faults}
	}
	return l.config, nil
}

// setting is a value from a source.
type setting struct {
	name   string // the key: lower case, without prefix
	shown  string // the name as the source spells it
	value  string
	source string
}

type loader struct {
	config *Config
	keys   []key
	faults []Fault
	faulty map[string]bool
}

// applyFile sets the values of the file. If the file cannot be read, required keys are not
// reported as missing.
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

// apply sets the values of one source.
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
			l.fault(s, "", "is set twice: here and as "+k.name+", with or without _file", "")
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
			l.fault(s, shown, err.Error(), "the path of a file that contains the value")
			return
		}
	}
	if k.secret {
		shown = redacted
	}
	if err := k.parse(l.config, text); err != nil {
		l.faulty[k.name] = true
		l.fault(s, shown, err.Error(), k.allowed)
		return
	}
	if l.config.Origins == nil {
		l.config.Origins = map[string]string{}
	}
	l.config.Origins[k.name] = s.source
}

func (l *loader) fault(s setting, value, problem, allowed string) {
	l.faults = append(l.faults, Fault{Key: s.shown, Source: s.source, Value: value, Problem: problem, Allowed: allowed})
}

// unknown suggests the most similar known key, in the spelling of the source, unless it
// differs in more than half of the characters.
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

// readSecret reads a file that contains a secret, without trailing line ends.
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

// readAtMost reads a file of at most limit bytes. Its errors do not quote the path, because
// the path can be a misplaced secret; only the fault quotes it.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the path is a setting
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case int64(len(data)) > limit:
		return nil, errors.New("is too large")
	}
	return data, nil
}
