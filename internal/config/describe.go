package config

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Row describes one setting in docs/configuration.md.
type Row struct {
	Name, Env, Default, Allowed, Doc string
	Secret                           bool
}

// Describe returns all settings, in the order of docs/configuration.md.
func Describe() []Row {
	defaults, all := Default(), keys()
	rows := make([]Row, len(all))
	for i := range all {
		k := &all[i]
		rows[i] = Row{k.name, k.env(), k.show(defaults), k.allowed, k.doc, k.secret}
	}
	return rows
}

// Setting is a setting of a configuration. The value of a secret is a placeholder, and SecretLength its length
// in characters. Source is the file with the line, the variable or the flag that set it, empty for a default.
type Setting struct {
	Name, Value, Source, Doc string
	SecretLength             int
}

// Settings returns all settings of this version, in the order of docs/configuration.md.
func (c *Config) Settings() []Setting {
	var list []Setting
	for _, k := range keys() {
		s := Setting{Name: k.name, Value: k.show(c), Source: c.Origins[k.name], Doc: k.doc}
		if k.secret {
			s.SecretLength = utf8.RuneCountInString(k.write(c))
		}
		list = append(list, s)
	}
	return list
}

// String returns the configuration, one key per line, with secrets redacted.
func (c *Config) String() string {
	var b strings.Builder
	for _, k := range keys() {
		fmt.Fprintf(&b, "%s = %s\n", k.name, k.show(c))
	}
	return b.String()
}

// LogValue returns the configuration as attributes, with secrets redacted.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, k := range keys() {
		attrs = append(attrs, slog.String(k.name, k.show(c)))
	}
	return slog.GroupValue(attrs...)
}
