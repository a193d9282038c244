package account

import (
	"errors"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrBadEmail reports an invalid email address.
	ErrBadEmail = errors.New("this is not an email address")
	// ErrAddressTaken reports an address that another account has verified.
	ErrAddressTaken = errors.New("another account has verified this email address")
	// ErrAddressNotFound reports an address that the account does not have.
	ErrAddressNotFound = errors.New("the account does not have this email address")
)

// Address is an email address of an account.
type Address struct {
	Address    string
	VerifiedAt time.Time // zero while it is not verified
	Primary    bool      // the email claim; true for one address of an account that has any
}

// CheckEmail returns [ErrBadEmail] for an invalid address. It does not verify that the
// address exists.
//
// Spec: RFC 5321 §4.5.3.1.3, RFC 5322 §3.4.1.
func CheckEmail(address string) error {
	parsed, err := mail.ParseAddress(address)
	invalid := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }
	if err != nil || parsed.Address != address || len(address) > 254 || strings.ContainsFunc(address, invalid) {
		return ErrBadEmail
	}
	return nil
}

// AddressKey returns the key under which an address is found and unique: the local part
// in lower case, the domain in lower case and its ASCII form. It returns [ErrBadEmail] for
// an invalid address.
//
// Spec: RFC 5891 §4.4, RFC 6530 §10.
func AddressKey(address string) (string, error) {
	if err := CheckEmail(address); err != nil {
		return "", err
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := strings.ToLower(norm.NFC.String(address[:at])), strings.ToLower(address[at+1:])
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain, nil
}

// sameAddress reports whether two addresses have the same key.
func sameAddress(a, b string) bool {
	key, err := AddressKey(a)
	other, otherErr := AddressKey(b)
	return err == nil && otherErr == nil && key == other
}

// Address returns the account's address that has the key of address, or nil.
func (a *Account) Address(address string) *Address {
	i := slices.IndexFunc(a.Addresses, func(one Address) bool { return sameAddress(one.Address, address) })
	if i < 0 {
		return nil
	}
	return &a.Addresses[i]
}

// PrimaryAddress returns the primary address, or nil if the account has no address.
func (a *Account) PrimaryAddress() *Address {
	i := slices.IndexFunc(a.Addresses, func(one Address) bool { return one.Primary })
	if i < 0 {
		return nil
	}
	return &a.Addresses[i]
}

// SetAddresses replaces the addresses of the account, and with them its claims email and
// email_verified. Without a primary address the first verified one becomes primary, else
// the first. It returns [ErrBadEmail] for an invalid address, and another error for
// duplicates and for several primary addresses.
func (a *Account) SetAddresses(list []Address) error {
	list = slices.Clone(list)
	seen := make(map[string]bool, len(list))
	primary := -1
	for i, one := range list {
		key, err := AddressKey(one.Address)
		switch {
		case err != nil:
			return err
		case seen[key]:
			return errors.New("the same email address is listed twice")
		case one.Primary && primary >= 0:
			return errors.New("only one email address can be primary")
		case one.Primary:
			primary = i
		}
		seen[key] = true
	}
	if len(list) > 0 && primary < 0 {
		primary = max(0, slices.IndexFunc(list, func(one Address) bool { return !one.VerifiedAt.IsZero() }))
		list[primary].Primary = true
	}
	SortAddresses(list)
	a.Addresses = list
	a.setEmailClaims()
	return nil
}

// SortAddresses puts the primary address first, and the others in the order of their text.
func SortAddresses(list []Address) {
	slices.SortFunc(list, func(x, y Address) int {
		switch {
		case x.Primary:
			return -1
		case y.Primary:
			return 1
		default:
			return strings.Compare(x.Address, y.Address)
		}
	})
}

// AddAddress adds an address, or changes the one with its key. A verified address stays
// verified. The first address of an account becomes primary.
func (a *Account) AddAddress(address string, verifiedAt time.Time) error {
	list := slices.Clone(a.Addresses)
	for i, one := range list {
		if sameAddress(one.Address, address) {
			if one.VerifiedAt.IsZero() {
				list[i].VerifiedAt = verifiedAt
			}
			return a.SetAddresses(list)
		}
	}
	return a.SetAddresses(append(list, Address{Address: address, VerifiedAt: verifiedAt}))
}

// MakePrimary makes an address of the account its primary one, or returns
// [ErrAddressNotFound].
func (a *Account) MakePrimary(address string) error {
	if a.Address(address) == nil {
		return ErrAddressNotFound
	}
	list := slices.Clone(a.Addresses)
	for i := range list {
		list[i].Primary = sameAddress(list[i].Address, address)
	}
	return a.SetAddresses(list)
}

// RemoveAddress removes an address, or returns [ErrAddressNotFound].
func (a *Account) RemoveAddress(address string) error {
	if a.Address(address) == nil {
		return ErrAddressNotFound
	}
	return a.SetAddresses(slices.DeleteFunc(slices.Clone(a.Addresses), func(one Address) bool {
		return sameAddress(one.Address, address)
	}))
}

// SetEmail makes address the primary address in place of the previous one, as the claims
// email and email_verified do. An empty address removes the primary one.
func (a *Account) SetEmail(address string, verified bool, now time.Time) error {
	list := slices.DeleteFunc(slices.Clone(a.Addresses), func(one Address) bool {
		return one.Primary || sameAddress(one.Address, address)
	})
	if address == "" {
		return a.SetAddresses(list)
	}
	next := Address{Address: address, Primary: true}
	if before := a.Address(address); verified && before != nil && !before.VerifiedAt.IsZero() {
		next.VerifiedAt = before.VerifiedAt
	} else if verified {
		next.VerifiedAt = now.Truncate(time.Microsecond)
	}
	return a.SetAddresses(append(list, next))
}

// setEmailClaims sets the claims that the primary address determines.
func (a *Account) setEmailClaims() {
	primary := a.PrimaryAddress()
	claims := maps.Clone(a.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	a.Claims = claims
	if primary == nil {
		delete(a.Claims, "email")
		delete(a.Claims, "email_verified")
		return
	}
	a.Claims["email"], a.Claims["email_verified"] = primary.Address, !primary.VerifiedAt.IsZero()
}

// SetClaims adds and removes claims. The claims email and email_verified change the primary
// address: a new email is not verified unless email_verified is true. It returns [ErrBadEmail]
// for an invalid email.
func (a *Account) SetClaims(set map[string]any, remove []string, now time.Time) error {
	changes := func(name string) bool {
		_, sets := set[name]
		return sets || slices.Contains(remove, name)
	}
	claims := maps.Clone(a.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	for name, value := range set {
		if name != "email" && name != "email_verified" {
			claims[name] = value
		}
	}
	for _, name := range remove {
		delete(claims, name)
	}
	before := a.Claims
	a.Claims = claims
	if !changes("email") && !changes("email_verified") {
		return nil
	}
	email, verified := "", false
	if primary := a.PrimaryAddress(); primary != nil {
		email, verified = primary.Address, !primary.VerifiedAt.IsZero()
	}
	if changes("email") {
		previous := email
		email, _ = set["email"].(string)
		verified = verified && sameAddress(email, previous)
	}
	if changes("email_verified") {
		verified, _ = set["email_verified"].(bool)
	}
	if err := a.SetEmail(email, verified, now); err != nil {
		a.Claims = before
		return err
	}
	return nil
}
