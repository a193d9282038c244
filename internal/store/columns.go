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

// micros is how a time is stored; NULL is the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stamp is how a time is stored where NULL is not allowed; 0 is the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// flag is how a truth is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// optional is how a text is stored where NULL is the empty one.
func optional[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// optionalBytes is how bytes are stored where NULL is none.
func optionalBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// words is how a list is stored whose members hold no space.
func words(list []string) string { return strings.Join(list, " ") }

// document is how a structure is stored.
func document(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// column reads one column and tolerates NULL.
type column func(value any) error

// Scan implements sql.Scanner.
func (c column) Scan(value any) error { return c(value) }

// optionalDocument is how a structure is stored where the empty text stands for its
// zero value.
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

// intoOptional reads what optionalDocument wrote.
func intoOptional(v any) column {
	return into(func(text string) error {
		if text == "" {
			return nil
		}
		return json.Unmarshal([]byte(text), v)
	})
}

// intoRaw reads a structure as it is written.
func intoRaw(raw *json.RawMessage) column {
	return into(func(text string) error {
		*raw = nil
		if text != "" {
			*raw = json.RawMessage(text)
		}
		return nil
	})
}

// intoName reads a username, which is "" where it stands for none.
func intoName(name *string) column {
	return into(func(text string) error { *name = account.Name(text); return nil })
}

func intoBytes(b *[]byte) column {
	return func(value any) error {
		bytes, ok := value.([]byte)
		if !ok && value != nil {
			return fmt.Errorf("column has a %T where bytes belong", value)
		}
		*b = append([]byte(nil), bytes...)
		return nil
	}
}

func intoID(id *grant.ID) column {
	return func(value any) error {
		bytes, ok := value.([]byte)
		if !ok || len(bytes) != len(id) {
			return fmt.Errorf("column has a %T where %d bytes belong", value, len(id))
		}
		copy(id[:], bytes)
		return nil
	}
}

// into calls set with the column's value, or with the zero value for NULL.
func into[T int64 | string](set func(T) error) column {
	return func(value any) error {
		typed, ok := value.(T)
		if !ok && value != nil {
			return fmt.Errorf("column has a %T where a %T belongs", value, typed)
		}
		return set(typed)
	}
}

// matching is the condition that a column has the value of a parameter, or none at all
// where that is empty. Where the text leaves open which of both is meant, the plan does,
// and no index is used.
func equalOrUnset(column, parameter, value string) string {
	if value == "" {
		return parameter + ` = ''`
	}
	return column + ` = ` + parameter
}

// places writes n parameters, the first of which has the number first.
func placeholders(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// inParts calls act with the parameters that list so many of ids as one statement
// takes, until it has had all. Those of the statement's own come first, as before.
func inChunks(ids []string, act func(places string, args []any) error, before ...any) error {
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
