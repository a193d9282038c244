package account_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
)

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"ada@example.com": true, "Ada.Lovelace+x@sub.example.co.uk": true, "ädä@exämple.com": true, "ada@localhost": true,
		"": false, "ada": false, "@example.com": false, "ada@": false, "a b@example.com": false, "ada@example.com ": false,
		"Ada <ada@example.com>": false, "<ada@example.com>": false, "ada@example.com, bob@example.com": false,
		"ada@example.com (Ada)": false, "ada@example.com\r\nBcc: eve@example.com": false, "ada\x00@example.com": false,
		`"a b"@example.com`: false, "ada\u202e@example.com": false, strings.Repeat("a", 243) + "@example.com": false,
	} {
		if got := account.CheckEmail(address) == nil; got != want {
			t.Errorf("CheckEmail(%.40q) accepts: %v, want %v", address, got, want)
		}
	}
}
