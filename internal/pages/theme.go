package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/theme"
)

// Files are the paths of the operator's files, which the server serves from its own origin. Empty
// ones keep the default.
type Files struct {
	Logo, LogoDark, Favicon, Stylesheet string
}

// look is the theme of a page.
type look struct {
	Name           string
	Logo, LogoDark template.URL
	Favicon        template.URL
	Stylesheets    []string
	Links          []theme.Link
	Support        string
}

// operatorFile is the maximum size in bytes of a file of the operator.
const operatorFile = 1 << 20

// addFile adds a file of the operator to the assets under a name, and returns its URL. It returns
// "" for an empty path.
func (a *assets) addFile(name, from string) (string, error) {
	if from == "" {
		return "", nil
	}
	body, err := os.ReadFile(from) //nolint:gosec // the path is a setting
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(body) > operatorFile {
		return "", fmt.Errorf("read %s: %s has more than 1 MiB", name, from)
	}
	name += strings.ToLower(path.Ext(from))
	if err := a.add(name, body); err != nil {
		return "", err
	}
	return name, nil
}

// newLook returns the look of pages without a client's theme.
func newLook(o Options, files *assets) (look, error) {
	l := look{Name: cmp.Or(o.Theme.ProductName, "Ostiary"), Links: o.Theme.FooterLinks, Support: o.Theme.SupportAddress}
	var logo, dark, favicon, stylesheet string
	for _, file := range []struct {
		name, path string
		url        *string
	}{
		{"logo", o.Files.Logo, &logo}, {"logo-dark", o.Files.LogoDark, &dark}, {"favicon", o.Files.Favicon, &favicon}, {"operator", o.Files.Stylesheet, &stylesheet},
	} {
		var err error
		if *file.url, err = files.addFile(file.name, file.path); err != nil {
			return l, err
		}
	}
	files.seal()
	address := func(name string) string {
		if name == "" {
			return ""
		}
		url, _ := files.url(name) // it was added above
		return url
	}
	l.Logo, l.LogoDark = template.URL(address(logo)), template.URL(address(dark)) //nolint:gosec // paths of this server
	l.Favicon = template.URL(address(cmp.Or(favicon, "mark.svg")))                //nolint:gosec // a path of this server
	l.Stylesheets = []string{address("app.css")}
	if o.Theme.AccentColor != "" {
		l.Stylesheets = append(l.Stylesheets, files.themeURL(o.Theme.AccentColor, o.Theme.AccentColorDark))
	}
	if stylesheet != "" {
		l.Stylesheets = append(l.Stylesheets, address(stylesheet))
	}
	return l, nil
}

// look returns the look of a page: that of the server, with the members of the client's theme.
func (p *renderer) look(data any) look {
	l := p.operator
	c := clientOf(data)
	if c == nil || c.Theme == nil {
		return l
	}
	t := c.Theme
	l.Name = cmp.Or(t.ProductName, l.Name)
	l.Support = cmp.Or(t.SupportAddress, l.Support)
	if logo := logoLink(t.LogoURI); logo != "" {
		l.Logo, l.LogoDark = template.URL(logo), template.URL(logoLink(t.LogoDarkURI)) //nolint:gosec // https, and the template quotes the value
	}
	if favicon := logoLink(t.FaviconURI); favicon != "" {
		l.Favicon = template.URL(favicon) //nolint:gosec // https, and the template quotes the value
	}
	if len(t.FooterLinks) > 0 {
		l.Links = t.FooterLinks
	}
	if t.AccentColor != "" {
		l.Stylesheets = append(slices.Clip(l.Stylesheets), p.assets.themeURL(t.AccentColor, t.AccentColorDark))
	}
	return l
}

// clientOf returns the field Client of a page's data, nil if there is none.
func clientOf(data any) *Client {
	value := reflect.ValueOf(data)
	if value.Kind() != reflect.Struct {
		return nil
	}
	field := value.FieldByName("Client")
	if !field.IsValid() {
		return nil
	}
	switch c := field.Interface().(type) {
	case *Client:
		return c
	case Client:
		return &c
	default:
		return nil
	}
}
