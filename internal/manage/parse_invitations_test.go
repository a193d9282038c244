package manage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/manage"
)

// Lists of invitations are read as spreadsheets write them.
func TestParseInvitations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"addresses alone":       {"a@x.org\nb@x.org\n", "1 a@x.org [] <nil>, 2 b@x.org [] <nil>"},
		"groups":                {"a@x.org,staff|guests\nb@x.org,\"staff, all of them\"", "1 a@x.org [staff guests] <nil>, 2 b@x.org [staff all of them] <nil>"},
		"a header":              {"Name,Email,Team,Groups\nAnn,a@x.org,blue,staff", "2 a@x.org [staff] <nil>"},
		"a header in any order": {"groups;E-Mail\nstaff;a@x.org", "2 a@x.org [staff] <nil>"},
		"semicolons":            {"a@x.org;staff\r\nb@x.org;\r\n", "1 a@x.org [staff] <nil>, 2 b@x.org [] <nil>"},
		"tabs":                  {"a@x.org\tstaff", "1 a@x.org [staff] <nil>"},
		"a byte order mark":     {"\uFEFFemail\na@x.org", "2 a@x.org [] <nil>"},
		"blank lines":           {"\n\na@x.org\n , \n\nb@x.org", "3 a@x.org [] <nil>, 6 b@x.org [] <nil>"},
		"quoted lines":          {"\"a@x.org\",\"staff\nguests\"\nb@x.org", "1 a@x.org [staff guests] <nil>, 3 b@x.org [] <nil>"},
		"open quotes":           {"a@x.org\nb\"@x.org\nc@x.org", "1 a@x.org [] <nil>, 2  [] the quotation marks do not match, 3 c@x.org [] <nil>"},
		"nothing":               {"", ""},
	} {
		list, err := manage.ParseInvitations(tc.text)
		var got []string
		for _, one := range list {
			got = append(got, fmt.Sprint(one.Line, " ", one.Address, " ", one.Groups, " ", one.Err))
		}
		if text := strings.Join(got, ", "); err != nil || text != tc.want {
			t.Errorf("%s: %q, %v, want %q", name, text, err, tc.want)
		}
	}
	for text, want := range map[string]error{
		"name,groups\nAnn,staff":               manage.ErrNoAddressColumn,
		strings.Repeat("a@x.org\n", 1001):      manage.ErrTooManyInvitations,
		strings.Repeat("\"a\"b@x.org\n", 1001): manage.ErrTooManyInvitations,
	} {
		if _, err := manage.ParseInvitations(text); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
	if list, err := manage.ParseInvitations(strings.Repeat("a@x.org\n", 1000)); err != nil || len(list) != 1000 {
		t.Errorf("1000 lines: %d, %v", len(list), err)
	}
}

func FuzzParseInvitations(f *testing.F) {
	for _, text := range []string{"a@x.org;staff", "\"", "email\n\"a\"\"@x.org\"", "\uFEFF\t\r\n,;|"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := manage.ParseInvitations(text)
		if err != nil && !errors.Is(err, manage.ErrTooManyInvitations) && !errors.Is(err, manage.ErrNoAddressColumn) {
			t.Errorf("%q: %v", text, err)
		}
		for _, one := range list {
			if one.Line < 1 {
				t.Errorf("%q: line %d", text, one.Line)
			}
		}
	})
}
