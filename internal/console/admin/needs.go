package admin

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// milliseconds returns a duration in seconds as milliseconds, rounded to two digits, and NaN for none.
func milliseconds(seconds float64) float64 {
	if seconds <= 0 {
		return math.NaN()
	}
	ms := 1000 * seconds
	unit := math.Pow(10, math.Floor(math.Log10(ms))-1)
	if unit < 1 {
		return math.Round(ms*10) / 10
	}
	return math.Round(ms/unit) * unit
}

// needs lists what an administrator has to look at.
func needs(v *visit, content *pages.ConsoleOverview, h *happened) error {
	c := v.console
	add := func(text messages.Message, url, link string) {
		content.Needs = append(content.Needs, pages.Need{Text: text, Link: pages.Link{URL: url, Text: messages.New(link)}})
	}
	latest, err := c.Refusals.ListRefusals(v.r.Context(), refusal.Filter{Since: v.now.Add(-24 * time.Hour)}, "", latestRefusals)
	if err != nil {
		return err
	}
	for _, cause := range frequentCauses(latest) {
		text := messages.New("console.needs.refusals", "n", cause.count, "rule", pages.Isolate(string(cause.Rule)))
		if cause.ClientID != "" {
			text = messages.New("console.needs.refusals-of", "n", cause.count, "client", pages.Isolate(cause.ClientID), "rule", pages.Isolate(string(cause.Rule)))
		}
		add(text, v.explainURL(cause.RequestID), "console.why")
	}
	if n := h.Mails.Failed; n > 0 && v.holds(apikey.UsersRead) {
		add(messages.New("console.needs.mails", "n", n), content.DeliveriesURL, "console.needs.look")
	}
	if n := h.Notices.Failed; n > 0 && v.holds(apikey.SessionsRead) {
		add(messages.New("console.needs.notices", "n", n), content.DeliveriesURL, "console.needs.look")
	}
	for _, k := range content.Keys {
		if k.Overdue {
			add(messages.New("console.needs.key", "alg", k.Algorithm), c.Root+"/keys", "console.needs.look")
		}
	}
	if at := content.CertificateEnds; at != nil && at.Sub(v.now) < certificateSoon {
		add(messages.New("console.needs.certificate", "n", max(int(at.Sub(v.now)/(24*time.Hour)), 0)), "", "")
	}
	return nil
}

// frequentCause is a rule by which many requests of a client were rejected. The record is the newest of them.
type frequentCause struct {
	*refusal.Record

	count int
}

// frequentCauses returns the causes of many rejected requests, the most frequent first.
func frequentCauses(newestFirst []*refusal.Record) []frequentCause {
	var causes []frequentCause
	for _, r := range newestFirst {
		i := slices.IndexFunc(causes, func(c frequentCause) bool { return c.Rule == r.Rule && c.ClientID == r.ClientID })
		if i < 0 {
			causes, i = append(causes, frequentCause{r, 0}), len(causes)
		}
		causes[i].count++
	}
	causes = slices.DeleteFunc(causes, func(c frequentCause) bool { return c.count < manyRefusals })
	slices.SortStableFunc(causes, func(a, b frequentCause) int { return cmp.Compare(b.count, a.count) })
	return causes
}

// overviewOfKeys sets the signing keys and the certificate, if the role may read keys.
func overviewOfKeys(v *visit, content *pages.ConsoleOverview) error {
	if !v.holds(apikey.KeysRead) {
		return nil
	}
	if c := v.console; c.CertificateEnds != nil {
		if at := c.CertificateEnds(); !at.IsZero() {
			content.CertificateEnds = &at
		}
	}
	records, err := v.console.Keys.Records(v.r.Context())
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.State != jwks.Current {
			continue
		}
		next := r.ActivatedAt.Add(v.console.RotateKeysEvery)
		content.Keys = append(content.Keys, pages.KeyFact{
			Algorithm: string(r.Algorithm), Since: v.when(r.ActivatedAt), Rotates: next,
			NextReady: slices.ContainsFunc(records, func(n jwks.Record) bool { return n.Algorithm == r.Algorithm && n.State == jwks.Next }),
			Overdue:   v.now.Sub(next) > 24*time.Hour,
		})
	}
	return nil
}
