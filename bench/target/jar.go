package target

import (
	"net/http"
	"strings"
	"time"
)

// jar keeps the cookies of one server. Paths and domains are of no account: it is
// sent to that server alone.
type jar struct {
	names, values []string
	header        string // as it is sent
}

// take keeps what an answer sets, and drops what it deletes.
func (j *jar) take(lines []string) {
	if len(lines) == 0 {
		return
	}
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			continue // browsers pass over what they do not understand
		}
		gone := cookie.MaxAge < 0 || !cookie.Expires.IsZero() && cookie.MaxAge == 0 && cookie.Expires.Before(time.Now())
		j.set(cookie.Name, cookie.Value, gone)
	}
	pairs := make([]string, len(j.names))
	for i, name := range j.names {
		pairs[i] = name + "=" + j.values[i]
	}
	j.header = strings.Join(pairs, "; ")
}

func (j *jar) set(name, value string, gone bool) {
	for i, known := range j.names {
		if known != name {
			continue
		}
		j.values[i] = value
		if gone {
			j.names = append(j.names[:i], j.names[i+1:]...)
			j.values = append(j.values[:i], j.values[i+1:]...)
		}
		return
	}
	if !gone {
		j.names, j.values = append(j.names, name), append(j.values, value)
	}
}
