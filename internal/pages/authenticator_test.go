package pages

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rsc.io/qr"
)

// The QR code on the page has the modules of the URI, within a white margin.
func TestAuthenticatorShowsSecretAsQRCodeAndText(t *testing.T) {
	t.Parallel()

	const uri = "otpauth://totp/Acme:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme&algorithm=SHA1&digits=6&period=30"
	_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
		p.Show(w, request(), http.StatusOK, Authenticator{Action: "/x", Enrolment: &Enrolment{Secret: "JBSW Y3DP", URI: uri}})
	})
	if got := text(byID(doc, "secret")); got != "JBSW Y3DP" {
		t.Errorf("#secret is %q", got)
	}
	if got := value(byID(doc, "otpauth"), "href"); got != uri {
		t.Errorf("#otpauth leads to %q, want %q", got, uri)
	}
	code, err := qr.Encode(uri, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	drawn, found := map[[2]int]bool{}, false
	for _, n := range elements(doc, "svg") {
		if value(n, "class") != "qr" {
			continue
		}
		found = true
		if size := fmt.Sprintf("0 0 %d %d", code.Size+8, code.Size+8); value(n, "viewbox") != size && value(n, "viewBox") != size {
			t.Errorf("the view box is not %s: %v", size, n.Attr)
		}
		if value(n, "role") != "img" || value(n, "aria-label") == "" {
			t.Errorf("the QR code has no alternative text: %v", n.Attr)
		}
		for _, p := range elements(n, "path") {
			if value(p, "class") != "qr-dark" {
				continue
			}
			for run := range strings.SplitSeq(strings.TrimSuffix(value(p, "d"), "z"), "z") {
				var x, y, width, back int
				if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &width, &back); err != nil || width != back {
					t.Fatalf("run %q: %v", run, err)
				}
				for i := range width {
					drawn[[2]int{x + i - 4, y - 4}] = true
				}
			}
		}
	}
	if !found {
		t.Fatal("the page has no QR code")
	}
	for y := -4; y < code.Size+4; y++ {
		for x := -4; x < code.Size+4; x++ {
			if drawn[[2]int{x, y}] != code.Black(x, y) {
				t.Fatalf("module %d, %d is drawn: %t", x, y, drawn[[2]int{x, y}])
			}
		}
	}
}
