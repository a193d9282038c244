package target

import (
	"net/url"
	"testing"
)

func TestFormsAreFilledIn(t *testing.T) {
	t.Parallel()
	user := User{"ada", "secret"}
	for name, tc := range map[string]struct {
		page     string
		remember bool
		want     string
	}{
		"sign-in": {
			`<form method="post" action="/login"><input type="hidden" name="request" value="a&amp;b"><input id="username" name="username" type="text">
			 <input name="password" type="password"><input type="checkbox" name="remember" value="on">
			 <button id="login" type="submit">Go</button><button name="decision" value="cancel">No</button></form>`,
			false, "password=secret&request=a%26b&username=ada",
		},
		"sign-in to stay": {
			`<form method="POST"><input name="email" type="email"><input name="pw" type="password"><input type="checkbox" id="remember" name="keep" value="1">
			 <input type="submit" name="go" value="Sign in"></form>`,
			true, "email=ada&go=Sign+in&keep=1&pw=secret",
		},
		"password of a known user": {
			`<form method="post"><input type="hidden" name="csrf" value="x"><input name="password" type="password"></form>`, false, "csrf=x&password=secret",
		},
		"consent": {
			`<form method="get"><input name="q"></form><form method="post"><input type="hidden" name="request" value="r">
			 <input type="checkbox" name="scope" value="email" checked><input type="checkbox" name="scope" value="phone">
			 <button id="deny" name="decision" value="deny"></button><button id="accept" name="decision" value="accept"></button></form>
			 <form method="post"><input type="hidden" name="other" value="x"></form>`,
			false, "decision=accept&request=r&scope=email",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := readForm([]byte(tc.page))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.fill(user, tc.remember); err != nil {
				t.Fatal(err)
			}
			if got := f.fields.Encode(); got != tc.want {
				t.Errorf("fields = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestPagesWithoutAKnownForm(t *testing.T) {
	t.Parallel()
	if _, err := readForm([]byte(`<style>p {}</style><p>Something <b>went</b> wrong</p>`)); err == nil || err.Error() != "the page has no form: Something went wrong" {
		t.Errorf("error = %v", err)
	}
	f, err := readForm([]byte(`<form method="post" action="/x"><button name="decision" value="deny">No</button></form>`))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.fill(User{}, false); err == nil {
		t.Errorf("a form that only denies was sent: %v", f.fields)
	}
}

func TestCookiesAreKeptReplacedAndDropped(t *testing.T) {
	t.Parallel()
	var j jar
	j.take([]string{"a=1; Path=/; HttpOnly", "b=2; Max-Age=60", "nonsense"})
	j.take([]string{"a=3", "b=; Max-Age=0", "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"})
	if j.header != "a=3" {
		t.Errorf("cookies = %q, want a=3", j.header)
	}
}

func TestTheAnswerToTheClientIsRead(t *testing.T) {
	t.Parallel()
	answer := RedirectURI + "?" + url.Values{"code": {"c"}, "state": {"s"}}.Encode()
	if got, err := readCode(answer, "s", "v"); err != nil || *got != (Code{"c", "v"}) {
		t.Errorf("code = %v, %v", got, err)
	}
	if _, err := readCode(answer, "other", "v"); err == nil {
		t.Error("an answer with another state was taken")
	}
	if _, err := readCode(RedirectURI+"?error=access_denied", "s", "v"); err == nil {
		t.Error("an error was taken for a code")
	}
}
