package dev

import (
	"strings"
	"testing"
)

func TestInvalidMailListenIsRejected(t *testing.T) {
	t.Parallel()

	for _, listen := range []string{"0.0.0.0:0", "nowhere"} {
		d := &devServer{Options: Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", DemoListen: "127.0.0.1:0", MailListen: listen}}
		if err := d.bind(t.Context()); err == nil || !strings.Contains(err.Error(), "--mail-listen") {
			t.Errorf("--mail-listen %s: %v, want an error", listen, err)
		}
	}
}
