package target

import (
	"net/http"
	"strings"
	"time"
)

// jar stores the cookies of one server. It ignores paths and domains, since it is
// used for that server only.
type jar struct {
	names, values []string
	header        string // the value of the Cookie header
}

// take applies the Set-Cookie headers of a response.
func (j *jar) take(lines []string) {
	if len(lines) == 0 {
		return
	}
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			continue // browsers ignore malformed cookies
		}
		deleted := cookie.MaxAge < 0 || !cookie.Expires.IsZero() && cookie.MaxAge == 0 && cookie.Expires.Before(time.Now())
		j.set(cookie.Name, cookie.Value, deleted)
	}
	pairs := make([]string, len(j.names))
	for i, name := range j.names {
		pairs[i] = name + "=" + j.values[i]
	}
	j.header = strings.Join(pairs, "; ")
}

func (j *jar) set(name, value string, deleted bool) {
	for i, existing := range j.names {
		if existing != name {
			continue
		}
		j.values[i] = value
		if deleted {
			j.names = append(j.names[:i], j.names[i+1:]...)
			j.values = append(j.values[:i], j.values[i+1:]...)
		}
		return
	}
	if !deleted {
		j.names, j.values = append(j.names, name), append(j.values, value)
	}
}
