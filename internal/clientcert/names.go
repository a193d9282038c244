package clientcert

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// HasDNS reports whether the certificate has the DNS name. Wildcards match only themselves.
func (c *Certificate) HasDNS(name string) bool {
	return slices.ContainsFunc(c.DNSNames, func(one string) bool { return strings.EqualFold(one, name) })
}

// HasURI reports whether the certificate has the URI, byte by byte.
func (c *Certificate) HasURI(uri string) bool {
	for _, one := range c.URIs {
		if one.String() == uri {
			return true
		}
	}
	return false
}

// HasIP reports whether the certificate has the IP address, in any notation.
func (c *Certificate) HasIP(text string) bool {
	want, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	for _, one := range c.IPAddresses {
		if got, ok := netip.AddrFromSlice(one); ok && got.Unmap() == want.Unmap() {
			return true
		}
	}
	return false
}

// HasEmail reports whether the certificate has the email address. The case of the domain does not
// matter, that of the local part does.
//
// Spec: RFC 5280 §7.5.
func (c *Certificate) HasEmail(address string) bool {
	local, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(c.EmailAddresses, func(one string) bool {
		gotLocal, gotDomain, _ := strings.Cut(one, "@")
		return gotLocal == local && strings.EqualFold(gotDomain, domain)
	})
}

// HasSubject reports whether the subject of the certificate is the distinguished name dn: the same
// relative names in the same order, each with the same attributes. Values are compared without
// regard to case and repeated spaces.
//
// Spec: RFC 8705 §2.1.2, RFC 4514, RFC 5280 §7.1.
func (c *Certificate) HasSubject(dn string) bool {
	want, err := parseDN(dn)
	if err != nil {
		return false
	}
	got, err := subjectOf(c.RawSubject)
	return err == nil && slices.EqualFunc(want, got, slices.Equal[[]attribute])
}

// CheckDN returns an error if dn is not a distinguished name with known attributes.
func CheckDN(dn string) error {
	_, err := parseDN(dn)
	return err
}

// attribute is an attribute of a distinguished name in comparable form: the dotted identifier of its
// type and its prepared value, or the DER of a value that is no string.
type attribute struct{ kind, value string }

func compareAttributes(a, b attribute) int {
	if order := strings.Compare(a.kind, b.kind); order != 0 {
		return order
	}
	return strings.Compare(a.value, b.value)
}

// subjectOf reads the names of a subject, the last one first as in RFC 4514.
func subjectOf(der []byte) (names [][]attribute, err error) {
	// The suffix SET makes encoding/asn1 read a set.
	type relativeNameSET []struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	var sequence []relativeNameSET
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 {
		return nil, errDN
	}
	for _, set := range slices.Backward(sequence) {
		var name []attribute
		for _, one := range set {
			name = append(name, attribute{one.Type.String(), comparableValue(one.Value)})
		}
		slices.SortFunc(name, compareAttributes)
		names = append(names, name)
	}
	return names, nil
}

// comparableValue returns the prepared text of a string, and the DER of any other value.
func comparableValue(value asn1.RawValue) string {
	text, ok := "", value.Class == asn1.ClassUniversal && !value.IsCompound
	switch {
	case !ok:
	case value.Tag == asn1.TagBMPString:
		text, ok = fromUTF16(value.Bytes)
	case slices.Contains([]int{asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString, asn1.TagT61String}, value.Tag):
		text, ok = string(value.Bytes), utf8.Valid(value.Bytes)
	default:
		ok = false
	}
	if !ok {
		return "#" + string(value.FullBytes)
	}
	return "=" + prepare(text)
}

func fromUTF16(b []byte) (string, bool) {
	if len(b)%2 != 0 {
		return "", false
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units)), true
}

// prepare returns the form in which values are compared.
//
// Spec: RFC 5280 §7.1, RFC 4518 §2.
func prepare(text string) string {
	return strings.Map(func(r rune) rune {
		folded := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			folded = min(folded, next)
		}
		return folded
	}, strings.Join(strings.Fields(text), " "))
}

// attributeTypes returns the identifiers of the names in RFC 4514 §3 and RFC 4519, and of those that
// certificate authorities use.
func attributeTypes() map[string]string {
	return map[string]string{
		"CN": "2.5.4.3", "SN": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "S": "2.5.4.8",
		"STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "T": "2.5.4.12", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17", "GIVENNAME": "2.5.4.42", "GN": "2.5.4.42",
		"BUSINESSCATEGORY": "2.5.4.15", "ORGANIZATIONIDENTIFIER": "2.5.4.97", "DNQUALIFIER": "2.5.4.46", "DNQ": "2.5.4.46",
		"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1", "EMAILADDRESS": "1.2.840.113549.1.9.1", "E": "1.2.840.113549.1.9.1",
		"JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3",
	}
}

var errDN = errors.New("must be a distinguished name of RFC 4514, as in CN=client,O=Example")

// maxDN is the maximum length of a distinguished name in bytes.
const maxDN = 2048

// parseDN reads the text of a distinguished name.
//
// Spec: RFC 4514 §3.
func parseDN(text string) (names [][]attribute, err error) {
	if text == "" || len(text) > maxDN || !utf8.ValidString(text) {
		return nil, errDN
	}
	for _, relative := range splitUnescaped(text, ',') {
		var name []attribute
		for _, part := range splitUnescaped(relative, '+') {
			kind, value, ok := strings.Cut(part, "=")
			kind = strings.TrimSpace(kind)
			if id, known := attributeTypes()[strings.ToUpper(kind)]; known {
				kind = id
			} else if kind = strings.TrimPrefix(strings.ToUpper(kind), "OID."); !isIdentifier(kind) {
				return nil, errDN
			}
			one, valid := parseValue(value)
			if !ok || !valid {
				return nil, errDN
			}
			name = append(name, attribute{kind, one})
		}
		slices.SortFunc(name, compareAttributes)
		names = append(names, name)
	}
	return names, nil
}

// splitUnescaped splits text at a separator that no backslash precedes.
func splitUnescaped(text string, separator byte) (parts []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // the next byte is escaped
		case separator:
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	return append(parts, text[start:])
}

// isIdentifier reports whether text is a dotted object identifier.
func isIdentifier(text string) bool {
	arcs := strings.Split(text, ".")
	return len(arcs) > 1 && !slices.ContainsFunc(arcs, func(arc string) bool {
		return arc == "" || len(arc) > 1 && arc[0] == '0' || strings.Trim(arc, "0123456789") != ""
	})
}

// parseValue returns the comparable form of an attribute value: a text with escapes, or # and the DER
// of a value in hexadecimal.
func parseValue(text string) (value string, ok bool) {
	if encoded, isDER := strings.CutPrefix(strings.TrimSpace(text), "#"); isDER {
		der, err := hex.DecodeString(encoded)
		if err != nil {
			return "", false
		}
		var raw asn1.RawValue
		if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) > 0 {
			return "", false
		}
		return comparableValue(raw), true
	}
	var b []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(` "#+,;<=>\`, text[i+1]) >= 0:
			i++
			b = append(b, text[i])
		case c == '\\':
			if i+2 >= len(text) {
				return "", false
			}
			one, err := hex.DecodeString(text[i+1 : i+3])
			if err != nil {
				return "", false
			}
			b, i = append(b, one...), i+2
		case strings.IndexByte("\"+,;<>\x00", c) >= 0:
			return "", false
		default:
			b = append(b, c)
		}
	}
	return "=" + prepare(string(b)), len(b) > 0 && utf8.Valid(b)
}
