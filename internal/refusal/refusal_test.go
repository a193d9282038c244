package refusal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
)

func TestOfReturnsTheWrappedCause(t *testing.T) {
	t.Parallel()

	known := errors.New("not found")
	cause := refusal.Wrap(known, refusal.CodeExpired, "the code expired", refusal.Registered("client", "shop")).WithGrant("g").AsWarning()
	err := fmt.Errorf("redeem code: %w", cause)
	if got := refusal.Of(err); got != cause {
		t.Errorf("Of(%v) = %v, want the cause", err, got)
	}
	if !errors.Is(err, known) {
		t.Errorf("errors.Is(%v, %v) = false: callers cannot match the error", err, known)
	}
	if refusal.Of(known) != nil {
		t.Errorf("Of(%v) returned a cause, want nil", known)
	}
}

func TestReceivedMasksCredentials(t *testing.T) {
	t.Parallel()

	for received, want := range map[string]string{
		"https://shop.example/cb":                              "https://shop.example/cb",
		"https://ada:pw@shop.example/cb":                       "https://***@shop.example/cb",
		"https://shop.example/cb?token=abc&x":                  "https://shop.example/cb?token=***&***",
		"https://shop.example/cb?a=1#access_token=x":           "https://shop.example/cb?a=***#***",
		"https://shop.example/#frag":                           "https://shop.example/#***",
		"not an address":                                       "not an address",
		"com.example.app:/cb":                                  "com.example.app:/cb",
		"https://shop.example/\x1b[31m\nred":                   "https://shop.example/?[31m?red",
		"https://" + strings.Repeat("ä", 300) + "/":            "https://" + strings.Repeat("ä", refusal.MaxValue-len("https://")),
		"https://a@b:c@shop.example/" + strings.Repeat("x", 9): "https://***@shop.example/xxxxxxxxx",
	} {
		if got := refusal.Received("received", received).Value; got != want {
			t.Errorf("Received(%q) = %q, want %q", received, got, want)
		}
	}
}

// holder is the context value of a request.
type holder struct{ slot refusal.Slot }

func (h *holder) Refusal() *refusal.Slot { return &h.slot }

func TestFirstNoteIsKept(t *testing.T) {
	t.Parallel()

	h := &holder{}
	ctx := context.WithValue(t.Context(), refusal.Key{}, h)
	if _, ok := h.slot.Noted(); ok {
		t.Fatal("a request without a rejection has a note")
	}
	refusal.SetClient(ctx, "shop")
	refusal.Note(ctx, refusal.Rejection{Rule: refusal.CodeSpent})
	refusal.Note(ctx, refusal.Rejection{Rule: refusal.InternalError, ClientID: "other"})
	got, ok := h.slot.Noted()
	if !ok || got.Rule != refusal.CodeSpent || got.ClientID != "shop" {
		t.Errorf("noted %+v, %v; want the first note with the client", got, ok)
	}
	refusal.Note(t.Context(), refusal.Rejection{}) // has no effect outside a request
}

// kept is a store that can fail.
type kept struct {
	mu   sync.Mutex
	err  error
	list []*refusal.Record
}

func (k *kept) InsertRefusals(_ context.Context, list []*refusal.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	k.list = append(k.list, list...)
	return nil
}

func newRecorder(store *kept) *refusal.Recorder {
	return &refusal.Recorder{Store: store, Log: slog.New(slog.DiscardHandler)}
}

func offer(r *refusal.Recorder, from, to int, flood bool) {
	for i := from; i < to; i++ {
		r.Add(&refusal.Record{RequestID: fmt.Sprintf("q%d", i)}, flood)
	}
}

func TestRecorderWritesEachRecordOnce(t *testing.T) {
	t.Parallel()

	store := &kept{}
	r := newRecorder(store)
	offer(r, 0, 3, false)
	r.Flush(t.Context(), time.Second)
	r.Flush(t.Context(), time.Second)
	offer(r, 3, 5, false)
	r.Flush(t.Context(), time.Second)
	for i, record := range store.list {
		if want := fmt.Sprintf("q%d", i); record.RequestID != want {
			t.Errorf("record %d is %s, want %s", i, record.RequestID, want)
		}
	}
	if len(store.list) != 5 || r.Dropped() != 0 {
		t.Errorf("%d written and %d dropped, want 5 and 0", len(store.list), r.Dropped())
	}
}

func TestRecorderDropsRecordsIfTheStoreFails(t *testing.T) {
	t.Parallel()

	store := &kept{err: errors.New("lost")}
	r := newRecorder(store)
	offer(r, 0, 10, false)
	r.Flush(t.Context(), time.Second)
	store.err = nil
	offer(r, 10, 12, false)
	r.Flush(t.Context(), time.Second)
	if len(store.list) != 2 || r.Dropped() != 10 {
		t.Errorf("%d written and %d dropped, want 2 and 10", len(store.list), r.Dropped())
	}
	if found, err := r.Find("q3"); err != nil || found.RequestID != "q3" {
		t.Errorf("Find(q3) = %v, %v: the record is not in memory", found, err)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()

	store := &kept{}
	r := newRecorder(store)
	const offered = 25_000
	offer(r, 0, offered, false)
	r.Flush(t.Context(), time.Second)
	if len(store.list) != 1_000 || store.list[999].RequestID != fmt.Sprintf("q%d", offered-1) {
		t.Errorf("%d written up to %s, want the newest 1000", len(store.list), store.list[len(store.list)-1].RequestID)
	}
	if got := r.Dropped(); got != offered-1_000 {
		t.Errorf("%d dropped, want %d", got, offered-1_000)
	}
	if _, err := r.Find(fmt.Sprintf("q%d", offered-10_000)); err != nil {
		t.Errorf("the oldest of 10,000 is not in memory: %v", err)
	}
	if _, err := r.Find(fmt.Sprintf("q%d", offered-10_001)); !errors.Is(err, refusal.ErrNotFound) {
		t.Errorf("Find of an older one: %v, want %v", err, refusal.ErrNotFound)
	}
}

func TestFloodsAreDroppedFirst(t *testing.T) {
	t.Parallel()

	store := &kept{}
	r := newRecorder(store)
	offer(r, 0, 5, false)
	offer(r, 5, 50_000, true)
	if _, err := r.Find("q0"); err != nil {
		t.Error("a flood displaced other records")
	}
}

// Any client can send invalid requests. They must not displace the records of other networks,
// or earlier records of the attacker.
func TestNetworkCannotDisplaceRecordsOfOthers(t *testing.T) {
	t.Parallel()

	for name, attacker := range map[string]func(i int) string{
		"an address":        func(int) string { return "198.51.100.7/32" },
		"a /24":             func(i int) string { return fmt.Sprintf("198.51.100.%d/32", i%256) },
		"an IPv6 network":   func(int) string { return "2001:db8:1:1::/64" },
		"a /48 of many /64": func(i int) string { return fmt.Sprintf("2001:db8:1:%x::/64", i%65_536) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			store, at := &kept{}, time.Unix(1_800_000_000, 0)
			r := newRecorder(store)
			r.Add(&refusal.Record{RequestID: "victim", Network: "192.0.2.1/32", At: at}, false)
			for i := range 150_000 {
				now := at.Add(time.Duration(i) * time.Millisecond)
				r.Add(&refusal.Record{RequestID: "attack", Network: attacker(i), At: now}, false)
				if i%1_000 == 999 {
					r.Flush(t.Context(), time.Second)
				}
			}
			if got := len(store.list); got > 2_001 || got < 500 || r.Dropped() != 150_001-uint64(got) {
				t.Errorf("%d records written and %d dropped, want at most 2001 and the rest", got, r.Dropped())
			}
			if _, err := r.Find("victim"); err != nil {
				t.Errorf("the record of another network is no longer in memory: %v", err)
			}
			r.Add(&refusal.Record{RequestID: "later", Network: attacker(0), At: at.Add(10 * time.Minute)}, false)
			if _, err := r.Find("later"); err != nil {
				t.Errorf("after ten minutes the network still has no quota: %v", err)
			}
		})
	}
}

func TestReporter(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	store := &kept{}
	counted := map[refusal.Rule]int{}
	p := &refusal.Reporter{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return time.Unix(1, 0) },
		Level:    func(context.Context, int, error) slog.Level { return slog.LevelInfo },
		Recorder: newRecorder(store), Count: func(rule refusal.Rule) { counted[rule]++ },
	}
	cause := refusal.New(refusal.CodeReplayed, "the code was spent before", refusal.At("spent_at", time.Unix(0, 0))).WithGrant("g1").AsWarning()
	q := refusal.Request{ID: "q1", Method: "POST", Route: "/oauth2/token", Network: "192.0.2.0/24", Status: 400}
	p.Report(t.Context(), q, refusal.Rejection{Code: "invalid_grant", Err: fmt.Errorf("secret text: %w", cause), ClientID: "shop"})

	line := log.String()
	for _, want := range []string{
		"level=WARN", "request_id=q1", "client_id=shop", "network=192.0.2.0/24", "rule=code_replayed",
		`cause="the code was spent before"`, "grant_id=g1", "spent_at=1970-01-01T00:00:00Z", "code=invalid_grant",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("the line lacks %s: %s", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(line, "secret text") {
		t.Errorf("want one line, without the text of the error: %s", line)
	}

	p.Report(t.Context(), refusal.Request{ID: "q2", Status: 403}, refusal.Rejection{})
	p.Report(t.Context(), refusal.Request{ID: "q3", Status: 500}, refusal.Rejection{Err: io.ErrUnexpectedEOF})
	p.Report(t.Context(), refusal.Request{ID: "q4", Status: 400}, refusal.Rejection{Rule: refusal.DeviceSlowDown, Unrecorded: true})
	for rule, want := range map[refusal.Rule]int{
		refusal.CodeReplayed: 1, refusal.Unexplained: 1, refusal.InternalError: 1, refusal.DeviceSlowDown: 0,
	} {
		if counted[rule] != want {
			t.Errorf("%s counted %d times, want %d", rule, counted[rule], want)
		}
	}
	p.Recorder.Flush(t.Context(), time.Second)
	if len(store.list) != 3 || store.list[0].GrantID != "g1" || store.list[0].Network != "192.0.2.0/24" {
		t.Errorf("recorded %+v", store.list)
	}
}
