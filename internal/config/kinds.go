package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

func oneOf[T ~string](values ...T) kind[T] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return kind[T]{
		allowed: strings.Join(words, ", "),
		parse: func(text string) (T, error) {
			if !slices.Contains(words, text) {
				return "", errors.New("is not an allowed value")
			}
			return T(text), nil
		},
		write: func(v T) string { return string(v) },
	}
}

func onOff() kind[bool] {
	return kind[bool]{
		allowed: "on, off",
		parse: func(text string) (bool, error) {
			switch text {
			case "on", "true", "1":
				return true, nil
			case "off", "false", "0":
				return false, nil
			}
			return false, errors.New("must be on or off")
		},
		write: func(v bool) string {
			if v {
				return "on"
			}
			return "off"
		},
	}
}

func number(least, most int) kind[int] {
	return kind[int]{
		allowed: fmt.Sprintf("a number from %d to %d", least, most),
		parse: func(text string) (int, error) {
			n, err := strconv.Atoi(text)
			switch {
			case err != nil:
				return 0, errors.New("is not a number")
			case n < least:
				return 0, errors.New("is too small")
			case n > most:
				return 0, errors.New("is too large")
			}
			return n, nil
		},
		write: strconv.Itoa,
	}
}

func duration(least, most time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		allowed: fmt.Sprintf("a duration from %s to %s", formatDuration(least), formatDuration(most)),
		parse: func(text string) (time.Duration, error) {
			d, err := ParseDuration(text)
			switch {
			case err != nil:
				return 0, err
			case d < least:
				return 0, errors.New("is too short")
			case d > most:
				return 0, errors.New("is too long")
			}
			return d, nil
		},
		write: formatDuration,
	}
}

const day = 24 * time.Hour

// ParseDuration parses Go's duration syntax, and days, as in 30d. Its error completes a
// sentence that begins with the value.
func ParseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * day, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("is not a duration with a unit, as in 90s, 10m, 12h or 30d")
	}
	return d, nil
}

func formatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func level() kind[slog.Level] {
	return kind[slog.Level]{
		allowed: "debug, info, warn, error",
		parse: func(text string) (slog.Level, error) {
			switch text {
			case "debug":
				return slog.LevelDebug, nil
			case "info":
				return slog.LevelInfo, nil
			case "warn":
				return slog.LevelWarn, nil
			case "error":
				return slog.LevelError, nil
			}
			return 0, errors.New("is not an allowed value")
		},
		write: func(l slog.Level) string { return strings.ToLower(l.String()) },
	}
}

// list splits a comma separated text.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func prefixes() kind[[]netip.Prefix] {
	return kind[[]netip.Prefix]{
		allowed: "networks as in 10.0.0.0/8, comma separated",
		parse: func(text string) ([]netip.Prefix, error) {
			var nets []netip.Prefix
			for _, item := range list(text) {
				p, err := netip.ParsePrefix(item)
				if addr, bad := netip.ParseAddr(item); bad == nil {
					p, err = addr.Prefix(addr.BitLen())
				}
				switch {
				case err != nil:
					return nil, fmt.Errorf("contains %q, which is not a network", item)
				case p.Bits() == 0:
					return nil, fmt.Errorf("contains %q, which would trust all clients", item)
				}
				nets = append(nets, p.Masked())
			}
			return nets, nil
		},
		write: func(nets []netip.Prefix) string {
			items := make([]string, len(nets))
			for i, p := range nets {
				items[i] = p.String()
			}
			return strings.Join(items, ",")
		},
	}
}

// scopes accepts scopes separated by spaces (RFC 6749 section 3.3) or commas.
func scopes() kind[[]string] {
	return kind[[]string]{
		allowed: "scopes, separated by spaces or commas",
		parse: func(text string) ([]string, error) {
			items := strings.Fields(strings.ReplaceAll(text, ",", " "))
			for _, scope := range items {
				if strings.ContainsFunc(scope, func(c rune) bool { return c < 0x21 || c > 0x7e || c == '"' || c == '\\' }) {
					return nil, fmt.Errorf("contains %q, which is not a scope", scope)
				}
			}
			return items, nil
		},
		write: func(items []string) string { return strings.Join(items, " ") },
	}
}

// factorUsers accepts "administrators" and "group:NAME".
func factorUsers() kind[[]string] {
	return kind[[]string]{
		allowed: "administrators and group:NAME, comma separated",
		parse: func(text string) ([]string, error) {
			names := list(text)
			for _, name := range names {
				if group, ok := strings.CutPrefix(name, "group:"); name != "administrators" && (!ok || group == "") {
					return nil, fmt.Errorf("contains %q, which is neither administrators nor group:NAME", name)
				}
			}
			return names, nil
		},
		write: func(names []string) string { return strings.Join(names, ",") },
	}
}

// claimNames accepts claim names, except the claims of access tokens that the server sets.
func claimNames() kind[[]string] {
	return kind[[]string]{
		allowed: "claim names, comma separated, except claims of the protocol",
		parse: func(text string) ([]string, error) {
			names := list(text)
			for _, name := range names {
				switch {
				case strings.ContainsFunc(name, func(c rune) bool { return c < 0x20 || c == 0x7f }):
					return nil, fmt.Errorf("contains %q, which is not a claim name", name)
				case slices.ContainsFunc(grant.AccessTokenClaims(), func(own string) bool { return strings.EqualFold(own, name) }):
					// Some JSON parsers match member names in any case.
					return nil, fmt.Errorf("contains %q, which is a claim of the protocol", name)
				}
			}
			return names, nil
		},
		write: func(names []string) string { return strings.Join(names, ",") },
	}
}

// readable accepts the path of a file that can be read, so that a wrong path is reported at
// startup.
func readable() kind[string] {
	return kind[string]{
		allowed: "the path of a readable file",
		parse: func(path string) (string, error) {
			f, err := os.Open(path) //nolint:gosec // the path is a setting
			if err != nil {
				return "", readError(err)
			}
			defer f.Close() //nolint:errcheck // only opened
			if info, err := f.Stat(); err != nil || info.IsDir() {
				return "", errors.New("is not a file")
			}
			return path, nil
		},
		write: func(path string) string { return path },
	}
}

// fileMode accepts permission bits in octal, or empty for 0.
func fileMode() kind[int] {
	return kind[int]{
		allowed: "an octal mode, as in 0660",
		parse: func(text string) (int, error) {
			if text == "" {
				return 0, nil
			}
			n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 16)
			if err != nil || n == 0 || n > 0o777 {
				return 0, errors.New("is not an octal mode")
			}
			return int(n), nil
		},
		write: func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("%04o", n)
		},
	}
}

// groupName accepts the name or number of a group, or empty.
func groupName() kind[string] {
	return kind[string]{
		allowed: "the name or number of a group",
		parse: func(text string) (string, error) {
			if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == ':' || c == 0x7f }) {
				return "", errors.New("is not a group name")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// standardScopes returns the scopes of OpenID Connect.
//
// Spec: OpenID Connect Core §3.1.2.1, §5.4, §11.
func standardScopes() []string {
	return []string{"openid", "profile", "email", "address", "phone", "offline_access"}
}
