package config

import (
	"regexp"
	"slices"
	"strings"
)

// fromEnviron picks the variables that are meant for this program.
func fromEnviron(environ []string) []setting {
	var settings []setting
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, value, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || serviceLink(variable, value) || forTests(name) {
			continue
		}
		settings = append(settings, setting{strings.ToLower(name), variable, value, "environment"})
	}
	return settings
}

// forTests reports whether a variable tells the tests something, and so whatever
// they start.
func forTests(name string) bool {
	return strings.HasPrefix(name, "TEST_") || strings.HasPrefix(name, "E2E_")
}

// serviceLinks are the variables that Kubernetes sets in every pod for each service
// of the namespace, in the manner of Docker's links.
var serviceLinks = regexp.MustCompile(`^OSTIARY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// serviceLink reports whether Kubernetes rather than the operator set a variable: a
// service named ostiary must not keep ostiary from starting.
func serviceLink(variable, value string) bool {
	if strings.HasSuffix(variable, "_PORT") && strings.Contains(value, "://") {
		return true
	}
	return serviceLinks.MatchString(variable)
}
