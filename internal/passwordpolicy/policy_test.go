package passwordpolicy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// direct runs work at once, or returns its error.
type direct struct{ err error }

func (d direct) Run(_ context.Context, work func()) error {
	if d.err == nil {
		work()
	}
	return d.err
}

func policy() *passwordpolicy.Policy {
	return &passwordpolicy.Policy{Service: []string{"ostiary", "https://login.analytica.example"}, Processor: direct{}}
}

// reason returns the reason of a rejection, "" for an accepted password.
func reason(err error) passwordpolicy.Reason {
	if fault := (*passwordpolicy.Fault)(nil); errors.As(err, &fault) {
		return fault.Reason
	}
	return ""
}

func TestCheckNamesTheWeakness(t *testing.T) {
	t.Parallel()
	names := []string{"ada", "Ada Lovelace", "lovelace@example.com", "Difference Engine Shop", ""}
	for password, want := range map[string]passwordpolicy.Reason{
		"correct horse battery":         "",
		"eight unrelated words":         "",
		"пароль из семи слов":           "",
		"秘密の言葉はとても長いほうがよい":              "",
		"fourteen-chars":                passwordpolicy.TooShort,
		strings.Repeat("e\u0301", 14):   passwordpolicy.TooShort, // 14 characters after NFC
		strings.Repeat("correct ", 17):  passwordpolicy.TooLong,
		"password123456789":             passwordpolicy.Common,
		"1qaz2wsx3edc4rfv":              passwordpolicy.Keyboard,
		"qwertyuiopasdfghjkl":           passwordpolicy.Keyboard,
		"abcdefghijklmnopqrs":           passwordpolicy.Repeated,
		"aaaaaaaaaaaaaaaaaaaaaaa":       passwordpolicy.Repeated,
		strings.Repeat("ä", 128):        passwordpolicy.Repeated,
		"iloveyou!iloveyou!":            passwordpolicy.Repeated,
		"lovelace-lovelace":             passwordpolicy.Name,
		"Ostiary-OSTIARY-1":             passwordpolicy.Name,
		"login.analytica.1":             passwordpolicy.Name,
		"differenceEngineShop":          passwordpolicy.Name,
		"lovelace correct horse battle": "",
	} {
		if got := reason(policy().Check(t.Context(), passwordpolicy.Choice{Password: password, Names: names})); got != want {
			t.Errorf("Check(%q) = %q, want %q", password, got, want)
		}
	}
}

func TestSecondFactorAllowsShorterPasswords(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]passwordpolicy.Reason{
		"vfb4-2kxy": "", "vfb4-2k": passwordpolicy.TooShort, "PASSWORD": passwordpolicy.Common, "iloveyou": passwordpolicy.Common,
		"31.12.1999": passwordpolicy.Date, "elephants": passwordpolicy.Weak,
	} {
		if got := reason(policy().Check(t.Context(), passwordpolicy.Choice{Password: password, SecondFactor: true})); got != want {
			t.Errorf("Check(%q) with a second factor = %q, want %q", password, got, want)
		}
	}
}

func TestBusyProcessorIsAnError(t *testing.T) {
	t.Parallel()
	busy := errors.New("busy")
	p := &passwordpolicy.Policy{Processor: direct{busy}}
	if err := p.Check(t.Context(), passwordpolicy.Choice{Password: "correct horse battery"}); !errors.Is(err, busy) {
		t.Errorf("Check = %v, want %v", err, busy)
	}
}

// FuzzCheck checks that no password of a user makes the estimate fail.
func FuzzCheck(f *testing.F) {
	f.Add("correct horse battery", "ada")
	f.Add(strings.Repeat("äb1", 42), "äb1")
	f.Add("\u212a\u0130\u1e9eaaaaaaaaaaaaaaaaaaa", "\u0130")
	p := policy()
	f.Fuzz(func(t *testing.T, password, name string) {
		err := p.Check(t.Context(), passwordpolicy.Choice{Password: password, Names: []string{name}, SecondFactor: true})
		if fault := (*passwordpolicy.Fault)(nil); err != nil && (!errors.As(err, &fault) || strings.Contains(err.Error(), password) && len(password) > 20) {
			t.Errorf("Check(%q) = %v", password, err)
		}
	})
}

// BenchmarkCheck measures the passwords that take longest.
func BenchmarkCheck(b *testing.B) {
	for name, password := range map[string]string{
		"words":  "correct horse battery staple",
		"digits": strings.Repeat("7391846250", 10)[:99] + "x",
		"leet":   strings.Repeat("4@8310$5a7", 10),
		"wide":   strings.Repeat("äöü中", 32),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = policy().Check(b.Context(), passwordpolicy.Choice{Password: password})
			}
		})
	}
}
