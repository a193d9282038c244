package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxOriginLabels is the number of registrable labels of related origins that browsers accept.
//
// Spec: Web Authentication Level 3 §5.11.1.
const maxOriginLabels = 5

// PasskeyRPIDChange controls the start of the server if stored passkeys belong to another RP ID.
type PasskeyRPIDChange string

// Values of [PasskeyRPIDChange]: the server does not start, or starts without these passkeys.
const (
	RPIDChangeRefused PasskeyRPIDChange = "refuse"
	RPIDChangeAllowed PasskeyRPIDChange = "allow"
)

// Passkeys configures the relying party of passkeys.
type Passkeys struct {
	// RPID is the relying party ID, empty for the host of the issuer: see [Config.RPID].
	RPID string
	// Origins are the origins, in addition to that of the issuer, at which it may be used.
	Origins    []string
	RPIDChange PasskeyRPIDChange
}

// RPID returns the relying party ID of passkeys: passkey_rp_id, or the host of the issuer.
//
// Spec: Web Authentication Level 3 §4 (RP ID).
func (c *Config) RPID() string {
	if c.Passkeys.RPID != "" {
		return c.Passkeys.RPID
	}
	return c.host()
}

// host returns the host of the issuer without a port.
func (c *Config) host() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return "" // not after [Load]
	}
	return u.Hostname()
}

// domain accepts a domain name, or empty.
func domain() kind[string] {
	return kind[string]{
		allowed: "a domain name",
		parse: func(text string) (string, error) {
			names, err := domains().parse(text)
			switch {
			case err != nil || len(names) > 1:
				return "", errors.New("is not a domain name")
			case len(names) == 0:
				return "", nil
			}
			return names[0], nil
		},
		write: func(name string) string { return name },
	}
}

// origins accepts origins in the form that browsers send.
//
// Spec: RFC 6454 §6.2.
func origins() kind[[]string] {
	return kind[[]string]{
		allowed: "origins as in https://example.org, comma separated; http for localhost",
		parse: func(text string) ([]string, error) {
			all := list(text)
			for i, item := range all {
				if err := checkOrigin(item); err != nil {
					return nil, fmt.Errorf("contains %q, which %w", item, err)
				}
				if slices.Contains(all[:i], item) {
					return nil, fmt.Errorf("contains %q twice", item)
				}
			}
			return all, nil
		},
		write: func(all []string) string { return strings.Join(all, ",") },
	}
}

// checkOrigin returns an error unless text is the origin of a host with a domain name.
func checkOrigin(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme+"://"+u.Host != text || !isNormalized(text, u):
		return errors.New("is not an origin in lower case, without a default port")
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost"):
		return errors.New("has a scheme that is not https")
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return errors.New("has an IP address, for which browsers have no passkeys")
	}
	if registrableLabel(u.Hostname()) == "" {
		return errors.New("has a public suffix as its host")
	}
	return nil
}

// registrableLabel returns the first label of the registrable domain of a host, "" for a public
// suffix.
//
// Spec: Web Authentication Level 3 §5.11.1.
func registrableLabel(host string) string {
	if host == "localhost" {
		return host
	}
	registrable, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(registrable, ".")
	return label
}

// passkeyConflicts calls fault for each error in the combination of settings.
func passkeyConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	host := c.host()
	_, err := netip.ParseAddr(host)
	for key, set := range map[string]bool{"passkey_rp_id": c.Passkeys.RPID != "", "passkey_origins": len(c.Passkeys.Origins) > 0} {
		fault(set && c.LoginURL != "", key, "has no effect if login_url is set: the app at login_url signs users in")
		fault(set && err == nil, key, "has no effect if the host of the issuer is an IP address: there are no passkeys")
	}
	fault(c.Passkeys.RPID != "" && c.Passkeys.RPID != host && !strings.HasSuffix(host, "."+c.Passkeys.RPID), "passkey_rp_id",
		fmt.Sprintf("is neither the host of the issuer, %q, nor a parent domain of it", host))
	fault(c.Passkeys.RPID != "" && c.Passkeys.RPID != host && registrableLabel(c.Passkeys.RPID) == "", "passkey_rp_id",
		"is a public suffix, which browsers do not accept")
	fault(slices.Contains(c.Passkeys.Origins, c.Origin()), "passkey_origins", "contains the origin of the issuer, which is always accepted")
	labels := map[string]bool{}
	for _, origin := range c.Passkeys.Origins {
		if u, err := url.Parse(origin); err == nil {
			labels[registrableLabel(u.Hostname())] = true
		}
	}
	fault(len(labels) > maxOriginLabels, "passkey_origins", fmt.Sprintf("has %d registrable domain labels; browsers accept %d", len(labels), maxOriginLabels))
}
