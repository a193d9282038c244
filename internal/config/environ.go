package config

import (
	"regexp"
	"slices"
	"strings"
)

// fromEnviron returns the settings in environment variables.
func fromEnviron(environ []string) []setting {
	var settings []setting
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, value, _ := strings.Cut(entry, "=")
		name, found := strings.CutPrefix(variable, prefix)
		if !found || serviceLink(variable, value) || forTests(name) {
			continue
		}
		settings = append(settings, setting{strings.ToLower(name), variable, value, "environment"})
	}
	return settings
}

// forTests reports whether a variable configures tests. Processes that tests start inherit
// it.
func forTests(name string) bool {
	return strings.HasPrefix(name, "TEST_") || strings.HasPrefix(name, "E2E_")
}

// serviceLinks matches the variables that Kubernetes sets in every pod for each service of
// the namespace.
var serviceLinks = regexp.MustCompile(`^OSTIARY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// serviceLink reports whether Kubernetes set a variable. A service named ostiary must not
// keep the server from starting.
func serviceLink(variable, value string) bool {
	if strings.HasSuffix(variable, "_PORT") && strings.Contains(value, "://") {
		return true
	}
	return serviceLinks.MatchString(variable)
}
