package contract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

var (
	bound  = regexp.MustCompile(`\b[0-9]+[a-z]?\b`)
	choice = regexp.MustCompile(`^[A-Za-z0-9]+(, [A-Za-z0-9]+)+$`)
)

// TestSettings holds every configuration key with its variable, default, choices and
// bounds. The words around the bounds are not part of it.
func TestSettings(t *testing.T) {
	t.Parallel()

	var all []string
	for _, row := range config.Describe() {
		kind := "text"
		switch {
		case choice.MatchString(row.Allowed):
			kind = "one of " + row.Allowed
		case strings.HasPrefix(row.Allowed, "a number"):
			kind = "number " + strings.Join(bound.FindAllString(row.Allowed, -1), " to ")
		case strings.HasPrefix(row.Allowed, "a time"), strings.HasPrefix(row.Allowed, "a duration"):
			kind = "duration " + strings.Join(bound.FindAllString(row.Allowed, -1), " to ")
		}
		secret := ""
		if row.Secret {
			secret = fmt.Sprintf(" secret, also %s_file and %s_FILE", row.Name, row.Env)
		}
		all = append(all, fmt.Sprintf("%s %s %s default=%q%s", row.Name, row.Env, kind, row.Default, secret))
	}
	golden(t, "settings.txt", lines(t, 80, all))
}
