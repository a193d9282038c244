package metrics

import "github.com/prometheus/client_golang/prometheus"

// Counter adds a counter that calls value for each scrape. The name gets the prefix
// ostiary_; labels are pairs of names and values.
func (m *Metrics) Counter(name, help string, value func() uint64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "ostiary_" + name, Help: help, ConstLabels: pairs(labels),
	}, func() float64 { return float64(value()) }))
}

// LabelledGauge is [Metrics.Gauge] with labels, as pairs of names and values.
func (m *Metrics) LabelledGauge(name, help string, value func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ostiary_" + name, Help: help, ConstLabels: pairs(labels),
	}, value))
}

func pairs(labels []string) prometheus.Labels {
	named := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		named[labels[i]] = labels[i+1]
	}
	return named
}
