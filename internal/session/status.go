package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// statusCookie carries the result of an action to the page that the browser is redirected to.
const statusCookie = "ostiary_status"

// maxStatus bounds the length of a status in bytes.
const maxStatus = 1200

// SetStatus stores the result of an action of the user of s, for the next page.
func (c Cookies) SetStatus(w http.ResponseWriter, s *Session, text string) {
	text = strings.ToValidUTF8(text[:min(len(text), maxStatus)], "")
	value := base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + base64.RawURLEncoding.EncodeToString(c.statusMAC(s, text))
	http.SetCookie(w, c.cookie(statusCookie, value))
}

// TakeStatus returns the result that SetStatus stored for s, and removes it; empty for none.
func (c Cookies) TakeStatus(w http.ResponseWriter, r *http.Request, s *Session) string {
	cookie, err := r.Cookie(c.name(statusCookie))
	if err != nil {
		return ""
	}
	c.clear(w, c.name(statusCookie))
	text, mac, _ := strings.Cut(cookie.Value, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	sum, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || !hmac.Equal(sum, c.statusMAC(s, string(decoded))) {
		return ""
	}
	return string(decoded)
}

func (c Cookies) statusMAC(s *Session, text string) []byte {
	mac := hmac.New(sha256.New, c.StateKey)
	mac.Write([]byte("status\x00" + s.ID + "\x00" + text))
	return mac.Sum(nil)
}
