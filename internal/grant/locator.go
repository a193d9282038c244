package grant

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// ID identifies a grant: a UUID of version 7 (RFC 9562), so that new rows are adjacent in
// the index.
type ID [16]byte

// NewID returns an ID of the given time with 74 random bits.
func NewID(now time.Time) ID {
	var id ID
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the process instead
	ms := now.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // only the low eight bits are used
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the ID as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID parses the result of [ID.String].
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) {
		return ID{}, errors.New("a grant id has 32 hexadecimal digits")
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errors.New("a grant id has 32 hexadecimal digits")
	}
	return id, nil
}

// Locators returns the two possible locators of a grant: its ID contains the time of
// creation, which leaves one weekly and one hourly partition.
func (id ID) Locators() []Locator {
	milliseconds := int64(0)
	for _, b := range id[:6] {
		milliseconds = milliseconds<<8 | int64(b)
	}
	created := time.UnixMilli(milliseconds)
	return []Locator{{PartitionAt(created, true), id}, {PartitionAt(created, false), id}}
}

// Locator is the partition and the ID of a grant. Tokens contain both, so that reading the
// row opens one partition.
type Locator struct {
	Partition Partition
	ID        ID
}

// Partition is the period in which a grant was created, as the number of its week or hour
// since 1970. All grants of one partition are dropped together.
type Partition uint32

// weeks is set in the number of a weekly partition, which holds long-lived grants.
const weeks Partition = 1 << 24

// LongestInHour is the maximum lifetime of a grant in an hourly partition. It bounds the
// number of hourly partitions, and with it the cost of a search through all of them.
const LongestInHour = 50 * time.Hour

const (
	hour = int64(time.Hour / time.Second)
	week = 7 * 24 * hour
)

// PartitionAt returns the partition of a grant created at now: the weekly one for a grant
// that can be refreshed or has a lifetime above [LongestInHour], else the hourly one.
func PartitionAt(now time.Time, weekly bool) Partition {
	if weekly {
		return weeks | Partition(now.Unix()/week) //nolint:gosec // weeks since 1970 fit for 300,000 years
	}
	return Partition(now.Unix() / hour) //nolint:gosec // hours since 1970 stay below 1<<24 until the year 3883
}

// Weekly reports whether the partition spans a week.
func (b Partition) Weekly() bool { return b&weeks != 0 }

// End returns the time after which no grant is inserted into the partition.
func (b Partition) End() time.Time {
	if b.Weekly() {
		return time.Unix((int64(b&^weeks)+1)*week, 0)
	}
	return time.Unix((int64(b)+1)*hour, 0)
}

// Next returns the partition that follows b.
func (b Partition) Next() Partition { return b + 1 }
