//go:build fault

package fault

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// load runs concurrent clients that exchange a code, refresh, introspect and revoke. They
// retry until there is a response, and send some requests twice at the same time.
type load struct {
	t       *testing.T
	fixture *fixture
	*history

	codes    []code
	tokens   [][]string    // of each grant, that were acknowledged
	done     atomic.Int64  // finished operations
	finished chan struct{} // closed when all clients have finished
}

// expected returns the approximate number of operations for n grants.
func expected(n int) int64 { return int64(n) * 4 }

// startLoad prepares n codes and starts the clients.
func startLoad(t *testing.T, h *fixture, n int) *load {
	t.Helper()
	l := &load{t: t, fixture: h, history: newHistory(t), tokens: make([][]string, n), finished: make(chan struct{})}
	began := l.now()
	l.codes = h.codes(t, n)
	for i, c := range l.codes {
		made := c.at.Sub(l.start)
		l.add(event{Process: "rig", Op: authorize, Family: i, Issued: []string{fingerprint(c.value)}, Call: made, Return: made, Result: ok})
	}
	t.Logf("%d codes in %v", n, (l.now() - began).Round(time.Millisecond))
	go func() {
		defer close(l.finished)
		runWorkers(make([]struct{}, workers), func(worker int, _ struct{}) {
			for family := worker; family < n; family += workers {
				l.runGrant(fmt.Sprintf("client-%d", worker), family)
			}
		})
	}()
	return l
}

// runGrant runs the operations of one grant.
func (l *load) runGrant(process string, family int) {
	c := l.codes[family]
	got := l.retry(process, exchange, family, c.value, family%4 == 0, func() *rig.Response {
		return l.fixture.exchange(l.t.Context(), c)
	})
	for generation := 0; got != nil && generation <= family%3; generation++ {
		token := got.Text("refresh_token")
		if generation == 2 && family%2 == 0 {
			l.retry(process, revoke, family, token, false, func() *rig.Response {
				return l.fixture.Revoke(l.t.Context(), l.fixture.client, token)
			})
			break
		}
		got = l.retry(process, refresh, family, token, family%5 == 0, func() *rig.Response {
			return l.fixture.Refresh(l.t.Context(), l.fixture.client, token)
		})
	}
	if got != nil {
		l.introspect(process, family, got.Text("access_token"))
	}
}

// retryTimeout is the maximum time of retries.
const retryTimeout = 20 * time.Second

// retry sends a request, or two at the same time, until there is a response. It returns
// a successful response, or nil.
func (l *load) retry(process string, op operation, family int, key string, twice bool, call func() *rig.Response) *rig.Response {
	callers := 1
	if twice {
		callers = 2
	}
	for until := l.now() + retryTimeout; l.now() < until; {
		var success *rig.Response
		refusals := 0
		for _, got := range concurrently(callers, func(int) *rig.Response { return l.attempt(process, op, family, key, call) }) {
			switch classify(got) {
			case ok:
				success = got
			case refused, broken:
				refusals++
			case unknown:
			}
		}
		if success != nil || refusals == callers {
			return success
		}
		time.Sleep(20 * time.Millisecond) // a simple backoff
	}
	l.t.Errorf("%s: no response within %v", op, retryTimeout)
	return nil
}

// attempt sends a request once and records it.
func (l *load) attempt(process string, op operation, family int, key string, call func() *rig.Response) *rig.Response {
	e := event{Process: process, Op: op, Family: family, Key: fingerprint(key), Call: l.now()}
	got := call()
	e.Return, e.Result, e.Detail = l.now(), classify(got), got.String()
	if e.Result == ok && op != revoke {
		access, refresh := got.Text("access_token"), got.Text("refresh_token")
		e.Issued = []string{fingerprint(access), fingerprint(refresh)}
		l.keep(family, access, refresh)
	}
	l.add(e)
	l.done.Add(1)
	return got
}

func (l *load) keep(family int, tokens ...string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.tokens[family] = append(l.tokens[family], tokens...)
}

// introspect introspects a token and records the result.
func (l *load) introspect(process string, family int, token string) {
	e := event{Process: process, Op: introspect, Family: family, Key: fingerprint(token), Call: l.now()}
	got := l.fixture.Introspect(l.t.Context(), l.fixture.client, token)
	e.Return, e.Result, e.Detail = l.now(), classify(got), got.String()
	if e.Result == ok && !got.Active() {
		e.Result = refused
	}
	l.add(e)
	l.done.Add(1)
}

// waitFor waits until n operations have finished, or the load has.
func (l *load) waitFor(n int64) {
	for l.done.Load() < n {
		select {
		case <-l.finished:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// recordFault records a fault that the test injects.
func (l *load) recordFault(description string) {
	l.add(event{Process: "rig", Op: fault, Call: l.now(), Return: l.now(), Result: ok, Detail: description})
}

// finish waits for the end of the load, introspects all acknowledged tokens, and runs the
// checker.
func (l *load) finish() (events []event) {
	t := l.t
	t.Helper()
	select {
	case <-l.finished:
	case <-time.After(5 * time.Minute):
		t.Fatal("the load does not end")
	}
	runWorkers(make([]struct{}, workers), func(worker int, _ struct{}) {
		for family := worker; family < len(l.tokens); family += workers {
			for _, token := range l.tokens[family] {
				l.introspect("checker", family, token)
			}
		}
	})
	events = l.events(t)
	count := map[string]int{}
	introspected := 0
	for _, e := range events {
		count[string(e.Op)+" "+string(e.Result)]++
		if e.Process == "checker" {
			introspected++
			if e.Result == unknown {
				t.Errorf("introspection after the faults failed: %s", e.Detail)
			}
		}
	}
	t.Logf("history: %v", count)
	if introspected < len(l.codes) {
		t.Errorf("only %d tokens of %d codes", introspected, len(l.codes))
	}
	violations := check(events)
	for i, v := range violations {
		if i == 20 {
			t.Errorf("and %d more", len(violations)-i)
			break
		}
		t.Error(v)
	}
	return events
}

// classify returns the result of a response.
func classify(got *rig.Response) result {
	switch {
	case got.Err != nil:
		return unknown
	case got.Status == http.StatusServiceUnavailable && got.Header.Get("Retry-After") != "":
		return unknown
	case got.Status == http.StatusOK:
		return ok
	case got.Status == http.StatusBadRequest && got.Text("error") == "invalid_grant":
		return refused
	default:
		return broken
	}
}
