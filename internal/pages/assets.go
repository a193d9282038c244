package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/theme"
)

//go:embed static
var static embed.FS

// assets serves the embedded files under a path that contains a hash of all of them, so that
// browsers may cache them forever.
type assets struct {
	base    string // the path of the issuer URL
	release string
	// accountURL is the first page of the account console; empty if there is none.
	accountURL string
	files      map[string]asset
}

type asset struct {
	body, tag, kind string
}

// kinds returns the media types by file name extension.
func kinds() map[string]string {
	return map[string]string{
		".css":  "text/css; charset=utf-8",
		".gif":  "image/gif",
		".ico":  "image/x-icon",
		".jpeg": "image/jpeg",
		".jpg":  "image/jpeg",
		".js":   "text/javascript; charset=utf-8",
		".png":  "image/png",
		".svg":  "image/svg+xml",
		".webp": "image/webp",
	}
}

func loadAssets(base string) (*assets, error) {
	entries, err := static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	a := &assets{base: base, files: make(map[string]asset, len(entries))}
	for _, entry := range entries {
		body, err := static.ReadFile("static/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", entry.Name(), err)
		}
		if err := a.add(entry.Name(), body); err != nil {
			return nil, err
		}
	}
	a.seal()
	return a, nil
}

// add adds a file before the assets are served. Its name has the extension of its type.
func (a *assets) add(name string, body []byte) error {
	kind, ok := kinds()[path.Ext(name)]
	if !ok {
		return fmt.Errorf("add %s: the file type is unknown", name)
	}
	sum := sha256.Sum256(body)
	a.files[name] = asset{body: string(body), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, kind: kind}
	return nil
}

// seal computes the release from all files.
func (a *assets) seal() {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		_, _ = fmt.Fprintf(all, "%s %s\n", name, a.files[name].tag)
	}
	a.release = hex.EncodeToString(all.Sum(nil)[:8])
}

// url returns the URL of the named file. It changes only when a file changes.
func (a *assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("find asset %s: not embedded", name)
	}
	return a.base + "/static/" + a.release + "/" + name, nil
}

// integrity returns the hash of the named embedded file, for the attribute of that name.
//
// Spec: Subresource Integrity §3.1.
func integrity(name string) (string, error) {
	body, err := static.ReadFile("static/" + name)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), nil
}

// themeURL returns the URL of the style sheet with accent colours, as in #14594b. dark may be empty.
func (a *assets) themeURL(accent, dark string) string {
	name := "theme-" + strings.TrimPrefix(accent, "#")
	if dark != "" {
		name += "-" + strings.TrimPrefix(dark, "#")
	}
	return a.base + "/static/" + a.release + "/" + name + ".css"
}

// theme returns the style sheet with the colours in its name. Clients have themes, so there may
// be any number; the colours alone determine the content.
func (a *assets) theme(name string) (asset, bool) {
	name, isStyle := strings.CutSuffix(name, ".css")
	colours, isTheme := strings.CutPrefix(name, "theme-")
	if !isStyle || !isTheme {
		return asset{}, false
	}
	accent, dark, _ := strings.Cut(colours, "-")
	body, err := theme.Style(accent, dark)
	return asset{body: body, tag: `"` + colours + `"`, kind: kinds()[".css"]}, err == nil
}

// ServeHTTP serves GET and HEAD /static/{release}/{name}.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	release, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	file, ok := a.files[name]
	if !ok {
		file, ok = a.theme(name)
	}
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
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // for drawings with a style
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	http.ServeContent(w, r, name, time.Time{}, strings.NewReader(file.body))
}
