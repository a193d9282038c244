package pages

import (
	"fmt"
	"html/template"
	"time"
)

// functions are what templates may call. Text that is not ours passes through
// host, label, line or name, and a link through logo, target or web.
func functions(files *assets) template.FuncMap {
	return template.FuncMap{
		"asset":   files.url,
		"host":    func(s string) string { return Clean(s, hostRunes) },
		"hostOf":  hostOf,
		"initial": initial,
		"label":   label,
		"line":    func(s string) string { return Clean(s, lineRunes) },
		"logo":    logoLink,
		"name":    func(s string) string { return Clean(s, nameRunes) },
		"span":    span,
		"target":  target,
		"web":     webLink,
	}
}

// span says roughly how long d is, rounded up so that waiting that long is
// enough.
func span(d time.Duration) string {
	unit, name := time.Minute, "minute"
	switch {
	case d > 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case d > 2*time.Hour:
		unit, name = time.Hour, "hour"
	}
	n := (d + unit - 1) / unit
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}
