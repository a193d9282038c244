package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// Every kind has texts in the catalogue that name all of its arguments.
func TestTextsOfAllKinds(t *testing.T) {
	t.Parallel()
	c := mail.Composer{Service: "Example", Support: "help@id.example"}
	for _, kind := range mail.Kinds() {
		m := mail.New(kind, "ada@rp.example", fixture.Noon)
		m.Data = map[string]string{"username": "ada", "detail": "the detail"}
		subject, body, err := c.Compose(m, mail.Secret{Link: "https://id.example/x?token=t", Lifetime: time.Hour})
		must(t, err)
		if subject == "" || strings.ContainsAny(subject+body, "{}") || !strings.Contains(body, "help@id.example") {
			t.Errorf("%s: subject %q, body %q, want them filled in, with the support address", kind, subject, body)
		}
		want := kind.HasLink() || kind.MayHaveLink()
		if strings.Contains(body, "https://id.example/x?token=t\n") != want {
			t.Errorf("%s has its link on a line of its own: %v, want %v", kind, !want, want)
		}
	}
}

// A notice names the credential that it is about in the language of its recipient.
func TestNoticesNameTheCredential(t *testing.T) {
	t.Parallel()
	c := mail.Composer{Service: "Example"}
	a := fixture.Account("ada")
	for kind, want := range map[credential.Kind]string{
		credential.Password: "password", credential.TOTP: "authenticator app (phone)", credential.RecoveryCodes: "recovery codes", credential.Passkey: "passkey", credential.SecurityKey: "security key",
	} {
		label := ""
		if kind == credential.TOTP {
			label = "phone"
		}
		for _, notice := range []mail.Kind{mail.CredentialAdded, mail.CredentialRemoved} {
			list := mail.CredentialNotices(notice, a, kind, label, fixture.Noon)
			if len(list) != 1 {
				t.Fatalf("%d messages, want one for the verified address", len(list))
			}
			_, body, err := c.Compose(list[0], mail.Secret{})
			must(t, err)
			if !strings.Contains(body, " your account name-of-ada at Example: "+want+".\n") {
				t.Errorf("%s of %s: %q", notice, kind, body)
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("recover.txt", "Subject: {service}: new password\n\nHello {username},\n{link}\n")
	write("recover.de.txt", "Subject: Neues Passwort\r\n\r\nHallo {username}: {link} ({lifetime})\r\n")
	templates, err := mail.LoadTemplates(folder)
	must(t, err)
	c := mail.Composer{Service: "Example", Templates: templates}
	for language, want := range map[string][2]string{
		"":      {"Example: new password", "Hello {link},\nL\n"},
		"fr":    {"Example: new password", "Hello {link},\nL\n"},
		"de-AT": {"Neues Passwort", "Hallo {link}: L (60 Minuten)\n"},
	} {
		m := mail.New(mail.Recover, "ada@rp.example", fixture.Noon)
		m.Language, m.Data = language, map[string]string{"username": "{link}"} // a value is no template
		subject, body, err := c.Compose(m, mail.Secret{Link: "L", Lifetime: time.Hour})
		must(t, err)
		if got := [2]string{subject, body}; got != want {
			t.Errorf("in %q the message is %q, want %q", language, got, want)
		}
	}
	if subject, _, err := c.Compose(mail.New(mail.Verify, "ada@rp.example", fixture.Noon), mail.Secret{}); err != nil || !strings.Contains(subject, "Confirm") {
		t.Errorf("a kind without template has the subject %q, %v, want that of the catalogue", subject, err)
	}
}

func TestInvalidTemplates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, text, fault string }{
		"unknown kind":        {"welcome.txt", "Subject: s\n\nt\n", "KIND.txt"},
		"other type of file":  {"recover.html", "Subject: s\n\n{link}\n", "KIND.txt"},
		"no subject":          {"recover.txt", "Hello {link}\n", "Subject: "},
		"two header lines":    {"recover.txt", "Subject: s\nBcc: eve@rp.example\n\n{link}\n", "Subject: "},
		"no text":             {"new-device.txt", "Subject: s\n\n \n", "Subject: "},
		"unknown argument":    {"recover.txt", "Subject: s\n\n{link} {password}\n", "{password}"},
		"no link":             {"recover.txt", "Subject: s\n\nt\n", "lacks {link}"},
		"link in the subject": {"recover.txt", "Subject: {link}\n\n{link}\n", "{link} is allowed only"},
		"link in a notice":    {"account-locked.txt", "Subject: s\n\n{link}\n", "{link} is allowed only"},
		"link in its subject": {"new-device.txt", "Subject: {link}\n\n{link}\n", "{link} is allowed only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			must(t, os.WriteFile(filepath.Join(folder, tc.file), []byte(tc.text), 0o600))
			_, err := mail.LoadTemplates(folder)
			if err == nil || !strings.Contains(err.Error(), tc.fault) || !strings.Contains(err.Error(), tc.file) {
				t.Errorf("LoadTemplates = %v, want an error with %q that names the file", err, tc.fault)
			}
		})
	}
}
