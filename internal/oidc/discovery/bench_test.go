package discovery

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkDiscovery(b *testing.B) {
	d, err := newDiscovery(b, capabilities())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil))
	}
}
