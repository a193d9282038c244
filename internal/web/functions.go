package web

import (
	"fmt"
	"html/template"
	"time"
)

// functions are what templates may call.
func functions(files *assets) template.FuncMap {
	return template.FuncMap{
		"asset":   files.url,
		"host":    host,
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
	const day = 24 * time.Hour
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d < unit.length && unit.length > time.Minute {
			continue
		}
		n := (d + unit.length - 1) / unit.length
		if n == 1 {
			return "1 " + unit.name
		}
		return fmt.Sprintf("%d %ss", n, unit.name)
	}
	return ""
}
