// Package metrics exports the metrics of the server for Prometheus.
//
// It is the only package that imports the library. Counting a request builds no labels,
// and no label has a value that a client can choose: routes are patterns, methods and
// grant types are known ones.
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

// Metrics are the metrics of one server.
type Metrics struct {
	registry *prometheus.Registry
	history  *prometheus.Registry // the metrics that Totals reads

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	mu        sync.Mutex
	endpoints atomic.Pointer[map[endpoint]*series] // replaced, never modified

	tokens   map[string]prometheus.Counter // by grant type
	signIns  prometheus.Counter
	refusals *prometheus.CounterVec
	attempts *prometheus.CounterVec
}

type endpoint struct{ listener, route, method string }

// series are the metrics of an endpoint.
type series struct {
	classes  [6]prometheus.Counter // by the first digit of the status
	duration prometheus.Observer
}

// New returns metrics for a server version. grantTypes are the values of the grant_type
// label.
func New(version string, grantTypes []string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), history: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_http_requests_total", Help: "HTTP requests.",
		}, []string{"listener", "route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ostiary_http_request_duration_seconds", Help: "Duration of HTTP requests.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"listener", "route", "method"}),
		signIns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ostiary_sign_ins_total", Help: "Successful sign-ins, with the built-in page or a custom app.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_refusals_total", Help: "Rejected requests by rule.",
		}, []string{"rule"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_sign_in_attempts_total", Help: "Sign-in attempts by result.",
		}, []string{"result"}),
		tokens: map[string]prometheus.Counter{},
	}
	for _, result := range []string{signInSuccess, "wrong_password", "unknown_user", "account_disabled", "throttled"} {
		m.attempts.WithLabelValues(result)
	}
	tokens := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ostiary_token_answers_total", Help: "Token responses by grant type.",
	}, []string{"grant_type"})
	for _, grantType := range grantTypes {
		m.tokens[grantType] = tokens.WithLabelValues(grantType)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ostiary_build_info", Help: "Version of the server.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.endpoints.Store(&map[endpoint]*series{})
	m.registry.MustRegister(m.requests, m.durations, m.signIns, m.refusals, m.attempts, tokens, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.history.MustRegister(m.durations, m.signIns, m.refusals)
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 8 * time.Second})
}

// ObserveRequest counts a request to a listener and records its duration. A status
// outside 100 to 599 counts only the duration.
func (m *Metrics) ObserveRequest(listener, route, method string, status int, took time.Duration) {
	s, ok := (*m.endpoints.Load())[endpoint{listener, route, method}]
	if !ok {
		s = m.addEndpoint(endpoint{listener, route, method})
	}
	if class := status / 100; class > 0 && class < len(s.classes) {
		s.classes[class].Inc()
	}
	s.duration.Observe(took.Seconds())
}

func (m *Metrics) addEndpoint(e endpoint) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := *m.endpoints.Load()
	if s, ok := before[e]; ok {
		return s
	}
	s := &series{duration: m.durations.WithLabelValues(e.listener, e.route, e.method)}
	for class, name := range []string{"", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if class > 0 {
			s.classes[class] = m.requests.WithLabelValues(e.listener, e.route, e.method, name)
		}
	}
	after := maps.Clone(before)
	after[e] = s
	m.endpoints.Store(&after)
	return s
}

// CountTokenResponse counts a token response. It ignores unknown grant types.
func (m *Metrics) CountTokenResponse(grantType string) {
	if counter, ok := m.tokens[grantType]; ok {
		counter.Inc()
	}
}

const signInSuccess = "success"

// CountSignIn counts a successful sign-in.
func (m *Metrics) CountSignIn() {
	m.signIns.Inc()
	m.attempts.WithLabelValues(signInSuccess).Inc()
}

// CountRefusal counts a rejected request by its rule, which is a constant. A rule of the form
// sign_in_RESULT also counts as a sign-in attempt with this result.
func (m *Metrics) CountRefusal(rule string) {
	m.refusals.WithLabelValues(rule).Inc()
	if result, ok := strings.CutPrefix(rule, "sign_in_"); ok {
		m.attempts.WithLabelValues(result).Inc()
	}
}

// SigningKeyAge adds a gauge that calls age for the age of the signing key of an algorithm, in
// seconds.
func (m *Metrics) SigningKeyAge(algorithm string, age func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ostiary_signing_key_age_seconds", Help: "Age of the current signing key in seconds; NaN if no key exists.",
		ConstLabels: prometheus.Labels{"alg": algorithm},
	}, age))
}

// AdmissionRefusals adds a counter of requests that admission control rejected. work names
// the type of request.
func (m *Metrics) AdmissionRefusals(work string, count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "ostiary_admission_refusals_total", Help: "Requests rejected by admission control.",
		ConstLabels: prometheus.Labels{"work": work},
	}, func() float64 { return float64(count()) }))
}

// Gauge adds a gauge that calls value for each scrape. The name gets the prefix ostiary_.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ostiary_" + name, Help: help}, value))
}
