package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
)

// timingCommand compares response times for known and unknown names.
type timingCommand struct {
	Target string            `help:"Server to start: 'ostiary' is built from this checkout; otherwise the path of a built binary." default:"ostiary"`
	Engine string            `help:"Database engine." enum:"postgres,sqlite" default:"sqlite"`
	Count  int               `short:"n" help:"Number of requests with known names, and as many with unknown ones." default:"2000"`
	Limit  time.Duration     `help:"Longest time for a flow. The requests until then are compared." default:"15m"`
	Flows  []string          `help:"Flows to measure." enum:"sign-in,address,recovery,sign-up" default:"sign-in,address,recovery,sign-up"`
	Env    map[string]string `help:"Setting of the server; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
}

const (
	// significance is the probability below which a difference is no accident.
	significance = 0.01
	// tolerance is the difference in milliseconds below which a flow passes.
	tolerance = 0.5
	// permutations is the number of rounds of the test.
	permutations = 10_000
	// warmUp is the number of requests of a flow before the measured ones.
	warmUp = 100
	// least is the number of requests of each kind without which there is no comparison.
	least = 100
	// progressEvery is the number of requests after which a line tells how far a flow is.
	progressEvery = 250
)

// errRevealed reports response times that differ.
var errRevealed = errors.New("response times reveal which names are known")

// Run starts the server without rate limits and with the cheapest hashes, and sends requests
// with known and unknown names in random order, one at a time. It returns errRevealed if the
// medians or the 90th percentiles of a flow differ by 0.5 ms or more with p <= 0.01, with the names
// of these comparisons.
func (cmd *timingCommand) Run(ctx context.Context, s streams) (err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // does not block
	if err != nil {
		return fmt.Errorf("listen for mail: %w", err)
	}
	mails := mailcatcher.New(mailcatcher.Config{})
	go func() { _ = mails.Serve(listener) }()
	defer func() { err = errors.Join(err, mails.Close()) }()

	o := instanceOptions{Engine: cmd.Engine, Env: map[string]string{
		"MAIL_URL": "smtp+plain://" + listener.Addr().String(), "MAIL_FROM": "ostiary@rp.example", "SIGN_UP": "open",
	}}
	maps.Copy(o.Env, cmd.Env)
	if cmd.Target != "ostiary" {
		o.Binary = cmd.Target
	}
	server, err := startInstance(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	if err := server.importKnown(ctx, cmd.Count); err != nil {
		return err
	}
	var revealed []string
	for _, flow := range cmd.Flows {
		visitor, err := server.newVisitor(ctx) // an authorization request expires
		if err != nil {
			return err
		}
		samples, err := cmd.measure(ctx, s, visitor, flow)
		if err != nil {
			return fmt.Errorf("%s: %w", flow, err)
		}
		for _, q := range []float64{0.5, 0.9} {
			d := permute(samples, q, permutations)
			verdict := "equal"
			if d.p <= significance && max(d.first-d.second, d.second-d.first) >= tolerance {
				verdict = "DIFFERENT"
				revealed = append(revealed, fmt.Sprintf("%s p%.0f on %s", flow, 100*q, cmd.Engine))
			}
			_, err := fmt.Fprintf(s.out, "%s  %-8s  p%.0f  known %.3f ms  unknown %.3f ms  difference %+.3f ms  p = %.4f  n = %d  %s\n",
				cmd.Engine, flow, 100*q, d.first, d.second, d.first-d.second, d.p, len(samples), verdict)
			if err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
	}
	if len(revealed) > 0 {
		return fmt.Errorf("%w: %s", errRevealed, strings.Join(revealed, ", "))
	}
	return nil
}

// address returns the email address of the user with a name.
func address(name string) string { return name + "@rp.example" }

// importKnown imports the users known-1 to known-n, with the password of the others and a
// verified address.
func (s *instance) importKnown(ctx context.Context, n int) error {
	hash, err := s.hash(ctx, randomText())
	if err != nil {
		return err
	}
	entries := make([]map[string]any, n)
	for i := range entries {
		name := fmt.Sprintf("known-%d", i)
		entries[i] = map[string]any{
			"username": name, "password_hash": hash,
			"emails": []map[string]any{{"address": address(name), "verified": true, "primary": true}},
		}
	}
	return s.importFile(ctx, "users", entries)
}

// visitor is a browser that has opened the sign-in page.
type visitor struct {
	issuer, request, cookies string
	http                     http.Client
}

func (s *instance) newVisitor(ctx context.Context) (*visitor, error) {
	client := s.spec.Clients[target.Web]
	query := url.Values{
		"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {target.RedirectURI}, "scope": {"openid"},
		"state": {randomText()}, "code_challenge_method": {"S256"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}
	v := &visitor{issuer: s.spec.Issuer, http: http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	response, err := v.send(ctx, http.MethodGet, "/oauth2/auth?"+query.Encode(), nil) //nolint:bodyclose // send closes it
	if err != nil {
		return nil, err
	}
	to, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("read the redirect to the sign-in page: %w", err)
	}
	v.request = to.Query().Get("request")
	var pairs []string
	for _, cookie := range response.Cookies() {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	v.cookies = strings.Join(pairs, "; ")
	return v, nil
}

// send sends a request of a page and reads the response.
func (v *visitor) send(ctx context.Context, method, path string, form url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, v.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("create request: %w", err)
	}
	request.Header.Set("Cookie", v.cookies)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", v.issuer)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := v.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	_, err = io.Copy(io.Discard, response.Body)
	return response, err
}

// measure sends requests of a flow with known names and as many with unknown ones, in random order,
// until cmd.Limit has passed.
func (cmd *timingCommand) measure(ctx context.Context, s streams, v *visitor, flow string) ([]sample, error) {
	n := cmd.Count
	order := make([]int, 2*n) // below n: a known name
	for i := range order {
		order[i] = i
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] }) //nolint:gosec // only an order
	for i := range warmUp {
		if _, err := v.time(ctx, flow, fmt.Sprintf("early-%d", i)); err != nil {
			return nil, err
		}
	}
	began, known := time.Now(), 0
	var samples []sample
	for i, number := range order {
		if i%progressEvery == 0 {
			s.progress("%s  %-8s  %d of %d requests, %.0f s\n", cmd.Engine, flow, i, len(order), time.Since(began).Seconds())
		}
		if time.Since(began) > cmd.Limit {
			s.progress("%s  %-8s  stopped at the limit of %s\n", cmd.Engine, flow, cmd.Limit)
			break
		}
		name := fmt.Sprintf("other-%d", number-n)
		if number < n {
			name = fmt.Sprintf("known-%d", number)
			known++
		}
		took, err := v.time(ctx, flow, name)
		if err != nil {
			return nil, err
		}
		samples = append(samples, sample{value: ms(took), first: number < n})
	}
	if min(known, len(samples)-known) < min(least, n) {
		return nil, fmt.Errorf("only %d requests with known names and %d with others within %s", known, len(samples)-known, cmd.Limit)
	}
	return samples, nil
}

// time sends one request of a flow and returns the time until the response was read.
func (v *visitor) time(ctx context.Context, flow, name string) (time.Duration, error) {
	const password = "tangerine-44-Violet-sextant"
	path, want, form := "/login", http.StatusForbidden, url.Values{"request": {v.request}}
	switch flow {
	case "sign-in":
		form.Set("username", name)
		form.Set("password", password)
	case "address":
		form.Set("username", address(name))
		form.Set("password", password)
	case "recovery":
		path, want = "/recover", http.StatusOK
		form.Set("email", address(name))
	case "sign-up":
		path, want = "/signup", http.StatusSeeOther
		form.Set("username", name)
		form.Set("email", address(name))
		form.Set("password", password)
		form.Set("repeat", password)
	}
	begin := time.Now()
	response, err := v.send(ctx, http.MethodPost, path, form) //nolint:bodyclose // send closes it
	took := time.Since(begin)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("POST %s for %s: status %d, want %d", path, name, response.StatusCode, want)
	}
	return took, err
}
