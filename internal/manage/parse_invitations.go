package manage

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
)

var (
	// ErrTooManyInvitations reports a list with more than [MaxInvitations] entries.
	ErrTooManyInvitations = errors.New("the list has more than 1000 invitations")
	// ErrNoAddressColumn reports a header row without a column of addresses.
	ErrNoAddressColumn = errors.New("no column is named email or address")
	// ErrQuotes reports a line whose quotation marks do not match.
	ErrQuotes = errors.New("the quotation marks do not match")
)

// InvitationLine is an entry of a list of invitations. Err is [ErrQuotes] if it could not be read.
type InvitationLine struct {
	Invitee

	Line int // from 1
	Err  error
}

// ParseInvitations parses a list of invitations as CSV, with or without a byte order mark: the address,
// then groups. The fields are separated by commas, semicolons or tabs, whichever the first line has most
// of. A first line that names its columns has one of email or address and may have one of groups; other
// columns are ignored. Several groups in a field are separated by vertical bars, commas or semicolons.
// It returns [ErrTooManyInvitations] or [ErrNoAddressColumn].
//
// Spec: RFC 4180.
func ParseInvitations(text string) (list []InvitationLine, err error) {
	text = strings.TrimPrefix(text, "\uFEFF")
	file := csv.NewReader(strings.NewReader(text))
	file.Comma, file.FieldsPerRecord, file.TrimLeadingSpace = delimiter(text), -1, true
	address, groups := 0, 1
	for first := true; ; {
		fields, err := file.Read()
		var quotes *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case errors.As(err, &quotes):
			list = append(list, InvitationLine{Line: quotes.StartLine, Err: ErrQuotes, Invitee: Invitee{Address: strings.Join(fields, " ")}})
		case err != nil:
			return nil, err
		case isBlank(fields):
			continue
		case first && isHeader(fields):
			address, groups = column(fields, "email", "address", "mail", "e-mail", "email address"), column(fields, "groups", "group")
			if address < 0 {
				return nil, ErrNoAddressColumn
			}
		default:
			line, _ := file.FieldPos(0)
			list = append(list, InvitationLine{Line: line, Invitee: Invitee{Address: field(fields, address), Groups: splitGroups(field(fields, groups))}})
		}
		first = false
		if len(list) > MaxInvitations {
			return nil, ErrTooManyInvitations
		}
	}
}

// delimiter returns the separator of which the first line has most.
func delimiter(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best, most := ',', strings.Count(line, ",")
	for _, candidate := range []rune{';', '\t'} {
		if n := strings.Count(line, string(candidate)); n > most {
			best, most = candidate, n
		}
	}
	return best
}

// isHeader reports whether a first line names columns: no field of it is an address, and one has the
// name of a column.
func isHeader(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(f, "@") }) &&
		column(fields, "email", "address", "mail", "e-mail", "email address", "groups", "group", "name") >= 0
}

// column returns the index of the first field with one of the names in any case, -1 for none.
func column(fields []string, names ...string) int {
	return slices.IndexFunc(fields, func(f string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(f))) })
}

// field returns a field without spaces at its ends, empty if the line has no such field.
func field(fields []string, i int) string {
	if i < 0 || i >= len(fields) {
		return ""
	}
	return strings.TrimSpace(fields[i])
}

func isBlank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimFunc(f, unicode.IsSpace) != "" })
}

func splitGroups(text string) []string {
	groups := []string{}
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("|,;\n", r) }) {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(groups, name) {
			groups = append(groups, name)
		}
	}
	return groups
}
