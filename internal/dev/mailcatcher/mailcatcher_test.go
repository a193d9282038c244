package mailcatcher_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// start runs a catcher and returns its SMTP address.
func start(t *testing.T, keep int) (*mailcatcher.Catcher, string) {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	c := mailcatcher.New(mailcatcher.Config{Keep: keep, Now: func() time.Time { return noon }})
	done := make(chan error, 1)
	go func() { done <- c.Serve(l) }()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return c, l.Addr().String()
}

func send(t *testing.T, server, mail string) {
	t.Helper()

	raw := strings.ReplaceAll(mail, "\n", "\r\n")
	if err := smtp.SendMail(server, nil, "door@example.org", []string{"ada@example.org", "bob@example.org"}, []byte(raw)); err != nil {
		t.Fatalf("send mail: %v", err)
	}
}

func TestParseMail(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		mail string
		want mailcatcher.Message
	}{
		"plain": {
			mail: "From: Door <door@example.org>\nTo: ada@example.org\nSubject: Hello\n\nCome in.\n",
			want: mailcatcher.Message{From: "Door <door@example.org>", To: "ada@example.org", Subject: "Hello", Text: "Come in.\n"},
		},
		"with an encoded subject and a quoted-printable body": {
			mail: "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IPCfkYs=?=\nContent-Type: text/plain; charset=utf-8\n" +
				"Content-Transfer-Encoding: quoted-printable\n\nSch=C3=B6n, dass du =\nda bist.\n",
			want: mailcatcher.Message{Subject: "Grüße 👋", Text: "Schön, dass du da bist.\n"},
		},
		"with text, HTML and an attachment": {
			mail: "Subject: Reset\nContent-Type: multipart/mixed; boundary=out\n\n" +
				"--out\nContent-Type: multipart/alternative; boundary=in\n\n" +
				"--in\nContent-Type: text/plain\n\nplain\n" +
				"--in\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+aHRtbDwv\nYj4=\n--in--\n" +
				"--out\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"a.png\"\nContent-Transfer-Encoding: base64\n\nAAAA\n--out--\n",
			want: mailcatcher.Message{
				Subject: "Reset", Text: "plain", HTML: "<b>html</b>",
				Attachments: []mailcatcher.Attachment{{Name: "a.png", Type: "image/png", Size: 3}},
			},
		},
		"in latin 1": {
			mail: "Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nSch=F6n\n",
			want: mailcatcher.Message{Text: "Schön\n"},
		},
		"with a text file attached and nothing else": {
			mail: "Content-Type: text/plain\nContent-Disposition: attachment; filename=notes.txt\n\nabc\n",
			want: mailcatcher.Message{Attachments: []mailcatcher.Attachment{{Name: "notes.txt", Type: "text/plain", Size: 5}}},
		},
		"that is no mail at all": {
			mail: "just words\nwithout a header\n",
			want: mailcatcher.Message{Text: "just words\nwithout a header\n"},
		},
		"with a body that is not what it says": {
			mail: "Subject: broken\nContent-Transfer-Encoding: base64\n\nSGVsbG8h!!!!\n",
			want: mailcatcher.Message{Subject: "broken", Text: "Hello!"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, server := start(t, 0)
			send(t, server, tc.mail)

			tc.want.ID, tc.want.Received = 1, noon
			tc.want.EnvelopeFrom, tc.want.EnvelopeTo = "door@example.org", []string{"ada@example.org", "bob@example.org"}
			if diff := cmp.Diff([]mailcatcher.Message{tc.want}, c.Messages(), cmpopts.IgnoreFields(mailcatcher.Message{}, "Header")); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNestedPartsAreBounded(t *testing.T) {
	t.Parallel()
	c, server := start(t, 0)

	var mail strings.Builder
	for i := range 50 {
		fmt.Fprintf(&mail, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	send(t, server, mail.String()+"Content-Type: text/plain\n\ndeep\n")
	got := c.Messages()
	if len(got) != 1 || got[0].Text != "" || len(got[0].Attachments) != 1 {
		t.Errorf("messages = %+v, want one whose inmost readable part counts as attached", got)
	}
}

func TestKeepsLatestMessages(t *testing.T) {
	t.Parallel()
	c, server := start(t, 2)

	for _, subject := range []string{"one", "two", "three"} {
		send(t, server, "Subject: "+subject+"\n\n.\n")
	}
	var got []string
	for _, m := range c.Messages() {
		got = append(got, m.Subject)
	}
	if diff := cmp.Diff([]string{"three", "two"}, got); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
}

func TestTooLargeMessageIsRejected(t *testing.T) {
	t.Parallel()
	c, server := start(t, 0)

	big := strings.Repeat(strings.Repeat("x", 98)+"\r\n", 11_000)
	err := smtp.SendMail(server, nil, "a@example.org", []string{"b@example.org"}, []byte("Subject: big\r\n\r\n"+big))
	var refused *textproto.Error
	if !errors.As(err, &refused) || refused.Code != 552 {
		t.Errorf("SendMail() of %d bytes = %v, want 552", len(big), err)
	}
	if got := c.Messages(); len(got) != 0 {
		t.Errorf("%d messages were kept, want none", len(got))
	}
}

func TestClosedCatcherDoesNotServe(t *testing.T) {
	t.Parallel()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	c := mailcatcher.New(mailcatcher.Config{})
	if err := c.Close(); err != nil {
		t.Fatalf("Close() = %v", err)
	}
	if err := c.Serve(l); err != nil {
		t.Errorf("Serve() after Close() = %v, want nil at once", err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("somebody still listens")
	}
}

func TestOnlyLoopbackMayConnect(t *testing.T) {
	t.Parallel()

	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer l.Close()
	if err := mailcatcher.New(mailcatcher.Config{}).Serve(l); !errors.Is(err, mailcatcher.ErrNotLoopback) {
		t.Errorf("Serve(%s) = %v, want %v", l.Addr(), err, mailcatcher.ErrNotLoopback)
	}
}

// mount serves the pages at the same path as `ostiary dev`.
func mount(t *testing.T, c *mailcatcher.Catcher) string {
	t.Helper()

	mux := http.NewServeMux()
	mux.Handle("/mail/", http.StripPrefix("/mail", c.Handler()))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/mail"
}

func fetch(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()

	if err != nil {
		t.Fatalf("request: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read page: %v", err)
	}
	return resp.StatusCode, string(body)
}

func mustShow(t *testing.T, status int, page string, wantStatus int, want ...string) {
	t.Helper()

	if status != wantStatus {
		t.Errorf("status = %d, want %d", status, wantStatus)
	}
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("page lacks %q:\n%s", w, page)
		}
	}
}

func TestPagesShowMessages(t *testing.T) {
	t.Parallel()
	c, server := start(t, 0)
	base := mount(t, c)

	get := func(path string) (int, string) {
		resp, err := http.Get(base + path)
		return fetch(t, resp, err)
	}
	status, page := get("")
	mustShow(t, status, page, 200, "No mail yet", "smtp://"+server)

	send(t, server, "From: Door <door@example.org>\nTo: ada@example.org\nSubject: <i>Reset</i>\nX-Trace: 7\nContent-Type: multipart/alternative; boundary=b\n\n"+
		"--b\n\nOpen https://localhost:4444/reset?a=1&b=2. Soon.\n--b\nContent-Type: text/html\n\n<script>alert(1)</script>\n--b--\n")
	status, page = get("/")
	mustShow(t, status, page, 200, `href="messages/1"`, "&lt;i&gt;Reset&lt;/i&gt;", "Door &lt;door@example.org&gt;", "2026-01-02T12:00:00Z")

	status, page = get("/messages/1")
	mustShow(t, status, page, 200, `<a href="https://localhost:4444/reset?a=1&amp;b=2" rel="noreferrer">`, "</a>. Soon.",
		"&lt;script&gt;alert(1)&lt;/script&gt;", "X-Trace: 7", "bob@example.org")
	if strings.Contains(page, "<script>") {
		t.Errorf("the HTML part is rendered:\n%s", page)
	}
	for _, gone := range []string{"/messages/2", "/messages/x"} {
		status, page = get(gone)
		mustShow(t, status, page, 404, "not found")
	}
	status, page = get("/mail.css")
	mustShow(t, status, page, 200, "body {")

	resp, err := http.Post(base+"/delete", "application/x-www-form-urlencoded", nil)
	status, page = fetch(t, resp, err)
	mustShow(t, status, page, 200, "No mail yet")
	if got := c.Messages(); len(got) != 0 {
		t.Errorf("%d messages are left, want none", len(got))
	}
}

func TestPagesRequireLoopback(t *testing.T) {
	t.Parallel()
	c, server := start(t, 0)
	send(t, server, "Subject: Hello\n\n.\n")

	for name, tc := range map[string]struct {
		method, host, site string
		want               int
	}{
		"by name":                       {"GET", "localhost:5555", "", 200},
		"by address":                    {"GET", "127.0.0.1:5555", "", 200},
		"by the newer address":          {"GET", "[::1]:5555", "", 200},
		"and not under a foreign name":  {"GET", "evil.example:5555", "", 421},
		"and not from a foreign site":   {"POST", "localhost:5555", "cross-site", 403},
		"and not from a neighbour port": {"POST", "localhost:5555", "same-site", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, "/", nil)
			if tc.method == http.MethodPost {
				r = httptest.NewRequest(tc.method, "/delete", nil)
			}
			r.Host = tc.host
			if tc.site != "" {
				r.Header.Set("Sec-Fetch-Site", tc.site)
			}
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, r)
			if w.Code != tc.want {
				t.Errorf("%s as %s from %q = %d, want %d", tc.method, tc.host, tc.site, w.Code, tc.want)
			}
			if len(c.Messages()) != 1 {
				t.Error("the mail is gone")
			}
		})
	}
}
