package mailcatcher

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var address = regexp.MustCompile(`https?://[^\s<>"']+`)

func parsePages() *template.Template {
	page := func(title, root string) map[string]string { return map[string]string{"Title": title, "Root": root} }
	return template.Must(template.New("").
		Funcs(template.FuncMap{"join": strings.Join, "links": links, "page": page}).
		ParseFS(pageFiles, "pages/*.html"))
}

// Handler serves the pages. Every link in them is relative, so that it can be
// mounted anywhere below a path that ends in a slash:
//
//	mux.Handle("/mail/", http.StripPrefix("/mail", catcher.Handler()))
func (c *Catcher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.list)
	mux.HandleFunc("GET /mail.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/mail.css")
	})
	mux.HandleFunc("GET /messages/{id}", c.read)
	mux.HandleFunc("POST /delete", c.delete)
	return localOnly(http.NewCrossOriginProtection().Handler(headers(mux)))
}

// localOnly rejects requests for other host names: another site could point its name to this
// machine and read the messages as its own pages.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && !ip.IsLoopback() {
			http.Error(w, "the mail catcher is at home on localhost only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// list serves GET /.
func (c *Catcher) list(w http.ResponseWriter, r *http.Request) {
	var server string
	c.mu.Lock()
	if c.listener != nil {
		server = c.listener.Addr().String()
	}
	c.mu.Unlock()
	c.show(w, r, http.StatusOK, "list.html", map[string]any{"Messages": c.Messages(), "Server": server, "Keep": c.keep})
}

// read serves GET /messages/{id}.
func (c *Catcher) read(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	m, ok := c.message(id)
	if err != nil || !ok {
		c.show(w, r, http.StatusNotFound, "gone.html", nil)
		return
	}
	c.show(w, r, http.StatusOK, "message.html", m)
}

// delete serves POST /delete: all of them.
func (c *Catcher) delete(w http.ResponseWriter, _ *http.Request) {
	c.clear()
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}

func (c *Catcher) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	var out bytes.Buffer
	if err := c.pages.ExecuteTemplate(&out, page, data); err != nil {
		c.log.LogAttrs(r.Context(), slog.LevelError, "mail page broken", slog.String("page", page), slog.Any("error", err))
		http.Error(w, "this page is broken", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

// segment is text, or a URL in it that is shown as a link.
type segment struct {
	Text string
	Link bool
}

// links splits a text at its URLs: messages often ask the user to follow a link.
func links(text string) []segment {
	var pieces []segment
	for text != "" {
		at := address.FindStringIndex(text)
		if at == nil {
			return append(pieces, segment{Text: text})
		}
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]")
		if at[0] > 0 {
			pieces = append(pieces, segment{Text: text[:at[0]]})
		}
		pieces = append(pieces, segment{Text: link, Link: true})
		text = text[at[0]+len(link):]
	}
	return pieces
}
