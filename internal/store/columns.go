package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
)

// micros returns the column value of a time, in microseconds; NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stamp returns the value of a time for a NOT NULL column, in microseconds; 0 for the
// zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// flag returns the column value of a bool.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// optional returns the column value of a string; NULL for the empty string.
func optional[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// optionalBytes returns the column value of bytes; NULL for none.
func optionalBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// words returns the column value of a list whose elements contain no space.
func words(list []string) string { return strings.Join(list, " ") }

// document returns the column value of a structure, as JSON.
func document(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// column scans one column and accepts NULL.
type column func(value any) error

// Scan implements [sql.Scanner].
func (c column) Scan(value any) error { return c(value) }

// optionalDocument returns the column value of a structure; the empty text for its zero
// value.
func optionalDocument(v any) (string, error) {
	if reflect.ValueOf(v).IsZero() {
		return "", nil
	}
	return document(v)
}

func intoTime(t *time.Time) column {
	return into(func(us int64) error {
		*t = time.Time{}
		if us != 0 {
			*t = time.UnixMicro(us).UTC()
		}
		return nil
	})
}

func intoFlag(b *bool) column {
	return into(func(n int64) error { *b = n != 0; return nil })
}

func intoText[T ~string](s *T) column {
	return into(func(text string) error { *s = T(text); return nil })
}

func intoWords(list *[]string) column {
	return into(func(text string) error {
		*list = nil
		if text != "" {
			*list = strings.Fields(text)
		}
		return nil
	})
}

func intoDocument(v any) column {
	return into(func(text string) error { return json.Unmarshal([]byte(text), v) })
}

// intoOptional scans a column that optionalDocument has written.
func intoOptional(v any) column {
	return into(func(text string) error { return unmarshalUnlessEmpty(text, v) })
}

// intoRaw scans a structure as JSON.
func intoRaw(raw *json.RawMessage) column {
	return into(func(text string) error {
		*raw = nil
		if text != "" {
			*raw = json.RawMessage(text)
		}
		return nil
	})
}

// intoName scans a username, which is "" for an account without one.
func intoName(name *string) column {
	return into(func(text string) error { *name = account.Name(text); return nil })
}

// released is the part of an account that scopes release, as one text. The separators are
// control characters, which none of the parts contains.
const released = `a.claims || '` + partSeparator + `' || a.roles || '` + partSeparator + `' || a.attributes || '` + partSeparator + `' || coalesce(` + groupsOf + `, '')`

const (
	partSeparator = "\x1e"
	itemSeparator = "\x1f"

	// groupsOf is the list of an account's groups, NULL for none.
	groupsOf = `(SELECT string_agg(m.group_name, '` + itemSeparator + `') FROM memberships m WHERE m.subject = a.subject)`
)

// intoReleased scans the expression released.
func intoReleased(claims *json.RawMessage, r *account.Released) column {
	return into(func(text string) error {
		*claims, *r = nil, account.Released{}
		parts := strings.Split(text, partSeparator)
		if len(parts) != 4 {
			return nil // there is no account
		}
		*claims = json.RawMessage(parts[0])
		if parts[2] != "" {
			r.Attributes = json.RawMessage(parts[2])
		}
		r.Groups = items(parts[3])
		return unmarshalUnlessEmpty(parts[1], &r.Roles)
	})
}

// items returns the sorted parts of a list.
func items(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, itemSeparator)
	slices.Sort(list)
	return list
}

func unmarshalUnlessEmpty(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

func intoBytes(b *[]byte) column {
	return func(value any) error {
		bytes, ok := value.([]byte)
		if !ok && value != nil {
			return fmt.Errorf("column has a %T, want bytes", value)
		}
		*b = append([]byte(nil), bytes...)
		return nil
	}
}

func intoID(id *grant.ID) column {
	return func(value any) error {
		bytes, ok := value.([]byte)
		if !ok || len(bytes) != len(id) {
			return fmt.Errorf("column has a %T, want %d bytes", value, len(id))
		}
		copy(id[:], bytes)
		return nil
	}
}

// into calls set with the value of a column, or with the zero value for NULL.
func into[T int64 | string](set func(T) error) column {
	return func(value any) error {
		typed, ok := value.(T)
		if !ok && value != nil {
			return fmt.Errorf("column has a %T, want a %T", value, typed)
		}
		return set(typed)
	}
}

// equalOrUnset returns the condition that a column equals a parameter, or no condition
// if value is empty. With a text that allows both, the plan allows both too, and uses
// no index.
func equalOrUnset(column, parameter, value string) string {
	if value == "" {
		return parameter + ` = ''`
	}
	return column + ` = ` + parameter
}

// placeholders returns n placeholders, starting with the number first.
func placeholders(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// inChunks calls act for ids in chunks, with placeholders and arguments for each chunk.
// The arguments before are the first ones of each statement.
func inChunks(ids []string, act func(placeholders string, args []any) error, before ...any) error {
	for some := range slices.Chunk(ids, batchSize) {
		args := slices.Clone(before)
		for _, id := range some {
			args = append(args, id)
		}
		if err := act(placeholders(len(before)+1, len(some)), args); err != nil {
			return err
		}
	}
	return nil
}
