// Package metrics counts what the server does, in the form of Prometheus.
//
// It alone knows the library. What is counted for each request is found without
// building a label, and no label holds what a caller wrote: routes are patterns, methods
// and grant types those that there are.
package metrics

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	mu       sync.Mutex
	known    atomic.Pointer[map[endpoint]*series] // replaced, never changed

	tokens  map[string]prometheus.Counter // by grant type
	signIns prometheus.Counter
	refused *prometheus.CounterVec
	results *prometheus.CounterVec
}

type endpoint struct{ listener, route, method string }

// series are the counters of an endpoint.
type series struct {
	classes [6]prometheus.Counter // by the first digit of the status
	took    prometheus.Observer
}

// New returns metrics of a version, where tokens are given for the grant types.
func New(version string, grantTypes []string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_http_requests_total", Help: "Requests that were answered.",
		}, []string{"listener", "route", "method", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ostiary_http_request_duration_seconds", Help: "How long it took to answer them.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"listener", "route", "method"}),
		signIns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ostiary_sign_ins_total", Help: "Sign-ins of people, with a page or an app.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_refusals_total", Help: "Rejected requests, by the rule that rejected them.",
		}, []string{"rule"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_sign_in_attempts_total", Help: "Sign-ins that were tried, by their result.",
		}, []string{"result"}),
		tokens: map[string]prometheus.Counter{},
	}
	for _, result := range []string{signInSuccess, "wrong_password", "unknown_user", "account_disabled", "throttled"} {
		m.results.WithLabelValues(result)
	}
	tokens := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ostiary_token_answers_total", Help: "Answers of the token endpoint that held tokens.",
	}, []string{"grant_type"})
	for _, grantType := range grantTypes {
		m.tokens[grantType] = tokens.WithLabelValues(grantType)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ostiary_build_info", Help: "Which version runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.known.Store(&map[endpoint]*series{})
	m.registry.MustRegister(m.requests, m.took, m.signIns, m.refused, m.results, tokens, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 8 * time.Second})
}

// Answered counts a request to a listener.
func (m *Metrics) Answered(listener, route, method string, status int, took time.Duration) {
	s, ok := (*m.known.Load())[endpoint{listener, route, method}]
	if !ok {
		s = m.learn(endpoint{listener, route, method})
	}
	if class := status / 100; class > 0 && class < len(s.classes) {
		s.classes[class].Inc()
	}
	s.took.Observe(took.Seconds())
}

func (m *Metrics) learn(e endpoint) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := *m.known.Load()
	if s, ok := before[e]; ok {
		return s
	}
	s := &series{took: m.took.WithLabelValues(e.listener, e.route, e.method)}
	for class, name := range []string{"", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if class > 0 {
			s.classes[class] = m.requests.WithLabelValues(e.listener, e.route, e.method, name)
		}
	}
	after := maps.Clone(before)
	after[e] = s
	m.known.Store(&after)
	return s
}

// Issued counts an answer with tokens.
func (m *Metrics) Issued(grantType string) {
	if counter, ok := m.tokens[grantType]; ok {
		counter.Inc()
	}
}

const signInSuccess = "success"

// SignedIn counts a sign-in.
func (m *Metrics) SignedIn() {
	m.signIns.Inc()
	m.results.WithLabelValues(signInSuccess).Inc()
}

// Refused counts a rejected request by its rule, which is a constant of the program. A
// rule sign_in_RESULT counts as a sign-in with this result, too.
func (m *Metrics) Refused(rule string) {
	m.refused.WithLabelValues(rule).Inc()
	if result, ok := strings.CutPrefix(rule, "sign_in_"); ok {
		m.results.WithLabelValues(result).Inc()
	}
}

// KeyAge has the age of the signing key of an algorithm looked up, in seconds.
func (m *Metrics) KeyAge(algorithm string, age func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ostiary_signing_key_age_seconds", Help: "For how long the current key has been signing; NaN while there is none.",
		ConstLabels: prometheus.Labels{"alg": algorithm},
	}, age))
}

// Refusals has it told how much of a kind of work was refused.
func (m *Metrics) Refusals(work string, count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "ostiary_admission_refusals_total", Help: "Requests for which there was no room.",
		ConstLabels: prometheus.Labels{"work": work},
	}, func() float64 { return float64(count()) }))
}

// Gauge has a number told that is looked up when it is asked for.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ostiary_" + name, Help: help}, value))
}
