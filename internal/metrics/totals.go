package metrics

import (
	"fmt"
	"math"
)

// Totals are what the metrics have counted since the process began.
type Totals struct {
	SignIns  uint64
	Refusals map[string]uint64 // by rule
	// Durations counts requests by the upper bound of their duration in seconds; the highest bound is
	// infinite.
	Durations map[float64]uint64
}

// Totals returns what the metrics have counted. Its durations are those of the requests to a listener, on
// the routes for which counts returns true.
func (m *Metrics) Totals(listener string, counts func(route string) bool) (*Totals, error) {
	families, err := m.history.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	t := &Totals{Refusals: map[string]uint64{}, Durations: map[float64]uint64{}}
	for _, family := range families {
		for _, one := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range one.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			switch {
			case one.GetHistogram() != nil:
				if labels["listener"] != listener || !counts(labels["route"]) {
					continue
				}
				below := uint64(0) // the buckets are cumulative
				for _, bucket := range one.GetHistogram().GetBucket() {
					t.Durations[bucket.GetUpperBound()] += bucket.GetCumulativeCount() - below
					below = bucket.GetCumulativeCount()
				}
				t.Durations[math.Inf(1)] += one.GetHistogram().GetSampleCount() - below
			case labels["rule"] != "":
				t.Refusals[labels["rule"]] = uint64(one.GetCounter().GetValue())
			default:
				t.SignIns = uint64(one.GetCounter().GetValue())
			}
		}
	}
	return t, nil
}
