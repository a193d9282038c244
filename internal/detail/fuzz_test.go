package detail

import (
	"errors"
	"strings"
	"testing"
)

// Accepted details are the same after encoding, are within themselves, and a page shows each of their values.
func FuzzDetails(f *testing.F) {
	for _, raw := range []string{
		"", "[]", "[" + pay + "]", elements(2), `[{"type":"account","iban":["a"],"days":1.50}]`, `[{"type":"account","iban":["a\u202eb"]}]`,
		`[{"type":"account","type":"payment_initiation"}]`, `[{"type":"account","iban":[["a"]],"days":1e9}]`, `[{"type":"account","iban":null}]`,
		`[{"type":"account","iban":["<script>","{days}","[x]"],"days":-0}]`, strings.Repeat("[", 20), `[{"type":"\ud800"}]`,
		`[{"type":"payment_initiation","instructedAmount.amount":"1"}]`,
	} {
		f.Add(raw)
	}
	types := set()
	f.Fuzz(func(t *testing.T, raw string) {
		list, err := types.Read(raw, types.Names())
		if err != nil {
			if fault, ok := errors.AsType[*InvalidError](err); !ok || strings.ContainsAny(fault.Reason, "\"\\") || !isASCII(fault.Reason) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := types.Read(list.Text(), types.Names())
		if err != nil || again.Text() != list.Text() {
			t.Fatalf("%s is %s after encoding: %v", list.Text(), again.Text(), err)
		}
		if !types.Narrow(list, again) || len(list) > 0 && types.Narrow(nil, list) {
			t.Fatalf("%s is not within itself, or within nothing", list.Text())
		}
		for _, d := range list {
			for _, words := range types.Words(d) {
				for _, part := range words.Parts {
					if part.Value && !isShown(part.Text) {
						t.Fatalf("a page would not show %q", part.Text)
					}
				}
			}
		}
	})
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
