package pages

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		text string
		want string
	}{
		"ordinary text stays":                         {"Acme Notes", "Acme Notes"},
		"letters of other scripts stay":               {"Заметки ノート ملاحظات", "Заметки ノート ملاحظات"},
		"marks that belong to a letter stay":          {"Vie\u0323\u0302t", "Vie\u0323\u0302t"},
		"overrides of direction go":                   {"a\u202egnp.exe\u202c\u2066b\u2069\u200fc", "agnp.exebc"},
		"characters without width go":                 {"Ac\u200bm\u200de\ufeff\u00ad", "Acme"},
		"controls and broken bytes go":                {"A\x00c\x1b[31mm\xffe", "Ac[31mme"},
		"spaces and lines become one space":           {"  Acme\r\n\t\u00a0\u2028 Notes  ", "Acme Notes"},
		"letters drawn as nothing go":                 {"\u3164\u115f\u2800", ""},
		"marks piled on a letter are cut to two":      {"A" + strings.Repeat("\u0301", 40) + "b", "A\u0301\u0301b"},
		"what fits exactly is whole":                  {strings.Repeat("é", 20), strings.Repeat("é", 20)},
		"what is too long ends in an ellipsis":        {strings.Repeat("é", 21), strings.Repeat("é", 19) + "…"},
		"the ellipsis follows a letter, not a space":  {strings.Repeat("a", 18) + " bcd", strings.Repeat("a", 18) + "…"},
		"nothing stays nothing":                       {"", ""},
		"private letters and language tags have gone": {"A\ue000\U000e0041c", "Ac"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := Clean(tc.text, 20); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Acme\u202e Notes", 10)
	f.Add(strings.Repeat("e\u0301", 50), 3)
	f.Add("\xff\u3164 x", 1)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 1 + (limit&0x7fffffff)%500
		got := Clean(text, limit)
		if n := utf8.RuneCountInString(got); n > limit {
			t.Errorf("Clean(%q, %d) has %d characters", text, limit, n)
		}
		for _, r := range got {
			if r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) {
				t.Errorf("Clean(%q, %d) lets %U through", text, limit, r)
			}
		}
		if again := Clean(got, limit); again != got {
			t.Errorf("Clean(%q, %d) = %q, cleaned again %q", text, limit, got, again)
		}
	})
}
