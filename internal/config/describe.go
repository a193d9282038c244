package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Row describes one setting to whoever reads the reference.
type Row struct {
	Name, Env, Default, Allowed, Doc string
	Secret                           bool
	// Later says that this version refuses it.
	Later bool
}

// Describe lists every setting, in the order of the reference.
func Describe() []Row {
	defaults, all := Default(), keys()
	rows := make([]Row, len(all))
	for i := range all {
		k := &all[i]
		rows[i] = Row{k.name, k.env(), k.show(defaults), k.allowed, k.doc, k.secret, k.later}
	}
	return rows
}

// String is the configuration, a key on a line, with secrets redacted.
func (c *Config) String() string {
	var b strings.Builder
	for _, k := range keys() {
		if !k.later {
			fmt.Fprintf(&b, "%s = %s\n", k.name, k.show(c))
		}
	}
	return b.String()
}

// LogValue is the configuration as attributes, with secrets redacted.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, k := range keys() {
		if !k.later {
			attrs = append(attrs, slog.String(k.name, k.show(c)))
		}
	}
	return slog.GroupValue(attrs...)
}
