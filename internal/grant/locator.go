package grant

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// ID identifies a grant: a UUID of version 7 (RFC 9562), so that new rows lie
// next to each other.
type ID [16]byte

// NewID returns an ID of the given time with 74 random bits.
func NewID(now time.Time) ID {
	var id ID
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the process instead
	ms := now.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // the low eight bits are meant
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the ID as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what String wrote.
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

// Locators returns where a grant of that id can lie: the id holds its time, which leaves two
// buckets.
func (id ID) Locators() []Locator {
	milliseconds := int64(0)
	for _, b := range id[:6] {
		milliseconds = milliseconds<<8 | int64(b)
	}
	made := time.UnixMilli(milliseconds)
	return []Locator{{PartitionAt(made, true), id}, {PartitionAt(made, false), id}}
}

// Locator says where a grant lies: tokens carry it, so that reading the row touches
// one partition.
type Locator struct {
	Partition Partition
	ID        ID
}

// Partition names the period in which a grant was made. Grants of one bucket end,
// and are dropped, together.
type Partition uint32

// weeks marks the buckets of grants that live long: those count weeks since 1970, the
// others hours.
const weeks Partition = 1 << 24

// LongestInHour is how long a grant in an hour's bucket may live. It bounds the number of
// those buckets, and so what a search through them costs.
const LongestInHour = 50 * time.Hour

const (
	hour = int64(time.Hour / time.Second)
	week = 7 * 24 * hour
)

// PartitionAt returns the bucket of a grant made at now: that of the week for one that can be
// refreshed or lives for more than [LongestInHour], else that of the hour.
func PartitionAt(now time.Time, weekly bool) Partition {
	if weekly {
		return weeks | Partition(now.Unix()/week) //nolint:gosec // weeks since 1970 fit for 300,000 years
	}
	return Partition(now.Unix() / hour) //nolint:gosec // hours since 1970 stay below 1<<24 until the year 3883
}

// Weekly reports whether the bucket is that of a week.
func (b Partition) Weekly() bool { return b&weeks != 0 }

// End returns the moment after which no grant enters the bucket.
func (b Partition) End() time.Time {
	if b.Weekly() {
		return time.Unix((int64(b&^weeks)+1)*week, 0)
	}
	return time.Unix((int64(b)+1)*hour, 0)
}

// Next returns the bucket that follows b.
func (b Partition) Next() Partition { return b + 1 }
