package middleware

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// isMultipart reports whether the request has a form with files.
func isMultipart(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

// multipartBody reads the fields of a form with files. The content of a file is the value of its field;
// bytes of it that are not UTF-8 become U+FFFD, since the user may have chosen any file. A field that
// occurs twice is rejected, as in other forms; an empty one is absent.
//
// Spec: RFC 7578 §4.
func multipartBody(r *http.Request, raw []byte) (url.Values, error) {
	malformed := invalid("The request body must be a form as multipart/form-data.")
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || len(r.Header.Values("Content-Type")) != 1 || r.Header.Get("Content-Encoding") != "" {
		return nil, malformed
	}
	values := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(raw), parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, malformed
		}
		content, err := io.ReadAll(part)
		name := part.FormName()
		if err != nil || name == "" || values.Has(name) || len(values) >= maxParts {
			return nil, malformed
		}
		text := strings.ReplaceAll(strings.ToValidUTF8(string(content), "\uFFFD"), "\x00", "\uFFFD")
		if text != "" {
			values.Set(name, text)
		}
	}
}

// maxParts bounds the fields of a form with files.
const maxParts = 50
