package mailcatcher

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// maxDepth is the maximum nesting of MIME parts.
const maxDepth = 8

// Message is a received message, parsed and decoded.
type Message struct {
	ID       int
	Received time.Time

	// EnvelopeFrom and EnvelopeTo are the addresses of the SMTP session, to which a real
	// server would deliver.
	EnvelopeFrom string
	EnvelopeTo   []string

	From, To, Subject, Date string
	Header                  string // unparsed
	Text, HTML              string
	Attachments             []Attachment
}

// Attachment is a MIME part other than the text and HTML body.
type Attachment struct {
	Name, Type string
	Size       int
}

// parse parses a message. It never fails: a developer must see a malformed message too.
//
// Spec: RFC 5322; RFC 2045 to 2047.
func parse(raw []byte) Message {
	read, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Message{Text: text(raw, "")}
	}
	var words mime.WordDecoder
	get := func(name string) string {
		value := read.Header.Get(name)
		if decoded, err := words.DecodeHeader(value); err == nil {
			value = decoded
		}
		return strings.ToValidUTF8(value, "\uFFFD")
	}
	m := Message{From: get("From"), To: get("To"), Subject: get("Subject"), Date: get("Date"), Header: head(raw)}
	m.add(part{read.Header.Get, read.Body}, 0)
	return m
}

// head returns the unparsed header of a message.
func head(raw []byte) string {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	before, _, _ := bytes.Cut(raw, []byte("\n\n"))
	return text(before, "")
}

// part is a message or a MIME part: both have headers and a body.
type part struct {
	header func(string) string
	body   io.Reader
}

func (m *Message) add(p part, depth int) {
	kind, params, err := mime.ParseMediaType(p.header("Content-Type"))
	if err != nil {
		kind = cmp.Or(kind, "text/plain")
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && depth < maxDepth {
		parts := multipart.NewReader(p.body, params["boundary"])
		for {
			next, err := parts.NextRawPart()
			if err != nil {
				return // the end, or malformed parts
			}
			m.add(part{next.Header.Get, next}, depth+1)
		}
	}

	body := decode(p)
	how, named, _ := mime.ParseMediaType(p.header("Content-Disposition"))
	switch {
	case kind == "text/plain" && how != "attachment" && m.Text == "":
		m.Text = text(body, params["charset"])
	case kind == "text/html" && how != "attachment" && m.HTML == "":
		m.HTML = text(body, params["charset"])
	default:
		name := cmp.Or(named["filename"], params["name"], "unnamed")
		m.Attachments = append(m.Attachments, Attachment{Name: strings.ToValidUTF8(name, "?"), Type: kind, Size: len(body)})
	}
}

// decode decodes the transfer encoding, as far as it is valid.
func decode(p part) []byte {
	body := p.body
	switch strings.ToLower(strings.TrimSpace(p.header("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	decoded, _ := io.ReadAll(body)
	return decoded
}

// text converts bytes to UTF-8. ISO 8859-1 is the only other charset that mail libraries still
// use by default.
func text(raw []byte, charset string) string {
	var out string
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1":
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		out = string(runes)
	default:
		out = strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return strings.ReplaceAll(out, "\r\n", "\n")
}
