// Package theme holds the look that an operator gives to the pages: name, images, colours and
// links. It checks that text in the colours can be read.
package theme

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Theme is the look of the pages, of the server or of one client. Empty members keep the default.
type Theme struct {
	// ProductName is the name of the service in the header and the title of each page.
	ProductName string `json:"product_name,omitempty"`
	// LogoURI is an image in the place of the name, and LogoDarkURI the one for dark screens.
	LogoURI     string `json:"logo_uri,omitempty"`
	LogoDarkURI string `json:"logo_dark_uri,omitempty"`
	FaviconURI  string `json:"favicon_uri,omitempty"`
	// AccentColor is the colour of buttons and links as #rrggbb, and AccentColorDark the one for
	// dark screens; if it is empty, it is derived.
	AccentColor     string `json:"accent_color,omitempty"`
	AccentColorDark string `json:"accent_color_dark,omitempty"`
	// FooterLinks are shown at the end of each page.
	FooterLinks []Link `json:"footer_links,omitempty"`
	// SupportAddress is an email address that users can write to.
	SupportAddress string `json:"support_address,omitempty"`
}

// Link is a link at the end of a page.
type Link struct {
	Text string `json:"text"`
	URI  string `json:"uri"`
}

const (
	maxText  = 64 // characters
	maxLinks = 8
	maxURI   = 2048 // bytes
)

// Check returns an error that names the first invalid member. URIs must be https.
func (t *Theme) Check() error {
	if !isText(t.ProductName) {
		return fmt.Errorf("product_name must be a line of at most %d characters", maxText)
	}
	for name, uri := range map[string]string{"logo_uri": t.LogoURI, "logo_dark_uri": t.LogoDarkURI, "favicon_uri": t.FaviconURI} {
		if uri != "" && !isHTTPS(uri) {
			return fmt.Errorf("%s must be an https URL", name)
		}
	}
	if err := CheckAccent(t.AccentColor, false); err != nil {
		return fmt.Errorf("accent_color %w", err)
	}
	if err := CheckAccent(t.AccentColorDark, true); err != nil {
		return fmt.Errorf("accent_color_dark %w", err)
	}
	if err := CheckLinks(t.FooterLinks); err != nil {
		return fmt.Errorf("footer_links %w", err)
	}
	if t.SupportAddress != "" {
		if a, err := mail.ParseAddress(t.SupportAddress); err != nil || a.Address != t.SupportAddress {
			return errors.New("support_address must be an email address")
		}
	}
	return nil
}

// CheckLinks returns what is wrong with links, as the end of a sentence.
func CheckLinks(links []Link) error {
	if len(links) > maxLinks {
		return fmt.Errorf("must be at most %d links", maxLinks)
	}
	for _, link := range links {
		if strings.TrimSpace(link.Text) == "" || !isText(link.Text) || !isHTTPS(link.URI) {
			return fmt.Errorf("must be links with a short text and an https URL, unlike %q", link.Text+"="+link.URI)
		}
	}
	return nil
}

func isText(text string) bool {
	return utf8.RuneCountInString(text) <= maxText && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) < 0
}

func isHTTPS(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && len(uri) <= maxURI && u.Scheme == "https" && u.Host != "" && u.User == nil
}
