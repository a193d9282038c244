package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// assets serves the embedded files under a path that contains a hash of all of them, so that
// browsers may cache them forever.
type assets struct {
	base    string // the path of the issuer URL
	release string
	files   map[string]asset
}

type asset struct {
	body, tag, kind string
}

func loadAssets(base string) (*assets, error) {
	kinds := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	entries, err := static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}

	a := &assets{base: base, files: make(map[string]asset, len(entries))}
	all := sha256.New()
	for _, entry := range entries {
		name := entry.Name()
		body, err := static.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		sum := sha256.Sum256(body)
		_, _ = fmt.Fprintf(all, "%s %x\n", name, sum)
		a.files[name] = asset{
			body: string(body),
			tag:  `"` + hex.EncodeToString(sum[:8]) + `"`,
			kind: kinds[path.Ext(name)],
		}
	}
	a.release = hex.EncodeToString(all.Sum(nil)[:8])
	return a, nil
}

// url returns the URL of the named file. It changes only when a file changes.
func (a *assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("find asset %s: not embedded", name)
	}
	return a.base + "/static/" + a.release + "/" + name, nil
}

// ServeHTTP serves GET and HEAD /static/{release}/{name}.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	release, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	file, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}

	// During an upgrade, a page of one release may load the style of the other: serve the
	// current file, and do not let it be cached.
	caching := "no-cache"
	if release == a.release {
		caching = "public, max-age=31536000, immutable"
	}
	h := w.Header()
	h.Set("Cache-Control", caching)
	h.Set("Content-Type", file.kind)
	h.Set("ETag", file.tag)
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	http.ServeContent(w, r, name, time.Time{}, strings.NewReader(file.body))
}
