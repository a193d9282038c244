package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

func TestSearchWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"Ada Lovelace":                 {"ada", "lovelace"},
		"Zoë ÖZİL-Ærø":                 {"zoe", "ozil", "aero"},
		"O’Hara":                       {"o", "hara", "ohara"},
		"Straße ﬁnn ｱﾀﾞ":               {"strasse", "finn", "アダ"},
		"山田　太郎":                        {"山田", "太郎", "山田太郎"},
		"김 민수":                         {"김", "민수", "김민수"},
		"Йорг Ёлкин":                   {"иорг", "елкин"},
		"मीरा":                         {"मीरा"},
		"\u202Eevil\u202C <b>\x00 x_y": {"evil", "b", "x", "y"},
		strings.Repeat("n", 500):       {strings.Repeat("n", 40)},
		"":                             nil,
	} {
		a := &account.Account{Username: " external", Claims: map[string]any{"name": name, "given_name": 7}}
		if got := a.SearchWords(); !slices.Equal(got, want) {
			t.Errorf("the words of %q are %q, want %q", name, got, want)
		}
	}
	a := &account.Account{Username: "ada.l"}
	if err := a.SetEmail("Ada+news@mail.Example.org", false, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got, want := a.SearchWords(), []string{"ada", "l", "news", "mail", "example", "org"}; !slices.Equal(got, want) {
		t.Errorf("the words of username and address are %q, want %q", got, want)
	}
	for n := range 60 {
		a.Claims["nickname"] = fmt.Sprint(a.Claims["nickname"], " ", n)
	}
	if got := len(a.SearchWords()); got != 40 {
		t.Errorf("an account has %d words, want 40", got)
	}
}

func TestSearchTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"LOVE ada": {"love", "ada"}, "ad ada": {"ada"}, "a@b.org": {"a", "b", "org"}, " - ": nil, "\xff\x00": nil, "a b c d e f g h i j": {"a", "b", "c", "d", "e", "f", "g", "h"},
	} {
		if got := account.SearchTerms(text); !slices.Equal(got, want) {
			t.Errorf("SearchTerms(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestSearchTitle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a    account.Account
		want string
	}{
		{account.Account{Username: "ada", Claims: map[string]any{"name": "Ada, Countess of Lovelace"}}, "ada countess of lovelace"},
		{account.Account{Username: "ada.l"}, "ada l"},
		{account.Account{Username: " external"}, ""},
	} {
		if got := tc.a.SearchTitle(); got != tc.want {
			t.Errorf("the title of %q is %q, want %q", tc.a.Username, got, tc.want)
		}
	}
}
