package config

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// SignUp controls who may create an account.
type SignUp string

// Values of [SignUp]: no user, users with an invitation, users with an address in a domain of
// sign_up_domains, all users. The last two allow invitations too.
const (
	SignUpOff     SignUp = "off"
	SignUpInvited SignUp = "invited"
	SignUpDomains SignUp = "domains"
	SignUpOpen    SignUp = "open"
)

// ByThemselves reports whether users may create accounts without an invitation.
func (s SignUp) ByThemselves() bool { return s == SignUpDomains || s == SignUpOpen }

// signUp accepts the values of [SignUp], and on for open.
func signUp() kind[SignUp] {
	k := oneOf(SignUpOff, SignUpInvited, SignUpDomains, SignUpOpen)
	k.allowed += ", on"
	parse := k.parse
	k.parse = func(text string) (SignUp, error) {
		switch text {
		case "on", "true", "1":
			return SignUpOpen, nil
		case "false", "0":
			return SignUpOff, nil
		}
		return parse(text)
	}
	return k
}

// domains accepts domain names, which it stores in lower case and ASCII.
//
// Spec: RFC 5891 §4.4.
func domains() kind[[]string] {
	return kind[[]string]{
		allowed: "domain names, comma separated",
		parse: func(text string) ([]string, error) {
			var names []string
			for _, item := range list(text) {
				name, err := idna.Lookup.ToASCII(strings.ToLower(item))
				if err != nil || strings.ContainsAny(name, "@/: *") {
					return nil, fmt.Errorf("contains %q, which is not a domain name", item)
				}
				names = append(names, name)
			}
			return names, nil
		},
		write: func(names []string) string { return strings.Join(names, ",") },
	}
}

// CheckServe returns the settings that dev allows and a production server does not, as an
// *[Error].
func (c *Config) CheckServe() error {
	var faults []Fault
	if c.SignUp.ByThemselves() && !c.HasMail() {
		faults = append(faults, Fault{Key: "sign_up", Problem: "is " + string(c.SignUp) + ", which needs mail_url: users confirm their email address"})
	}
	if !c.SignUpVerify {
		faults = append(faults, Fault{Key: "sign_up_verify", Problem: "is off, which is allowed only in dev"})
	}
	if c.MutualTLS.Listen != "" && c.TLSCertFile == "" {
		faults = append(faults, Fault{Key: "tls_cert_file", Problem: "is required, since mtls_listen is set: a client presents its certificate in a TLS handshake with this server"})
	}
	if len(faults) > 0 {
		return &Error{faults}
	}
	return nil
}

// signUpConflicts calls fault for each error in the combination of settings.
func signUpConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	fault(c.SignUp == SignUpDomains && len(c.SignUpDomains) == 0, "sign_up_domains", "is required if sign_up is domains")
	fault(c.SignUp != SignUpDomains && len(c.SignUpDomains) > 0, "sign_up_domains", "has no effect unless sign_up is domains")
	fault(c.SignUp != SignUpOff && c.LoginURL != "", "sign_up", "has no effect if login_url is set: the app at login_url creates accounts")
	fault(c.TermsVersion == "" && c.TermsURL != "", "terms_version", "is missing, but terms_url is set")
	fault(c.TermsURL == "" && c.TermsVersion != "", "terms_url", "is missing, but terms_version is set")
	fault(c.TermsURL != "" && c.LoginURL != "", "terms_url", "has no effect if login_url is set: the app at login_url shows your terms")
}
