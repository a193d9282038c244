package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
)

// namedValues converts arguments for the driver.
func namedValues(args []any) ([]driver.NamedValue, error) {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return values, nil
}

// row is a row in the types of the driver.
type row []driver.Value

// Scan copies the columns.
func (r row) Scan(dest ...any) error {
	if len(dest) != len(r) {
		return fmt.Errorf("scan a row of %d columns into %d", len(r), len(dest))
	}
	for i, value := range r {
		if err := assign(dest[i], value); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign copies a column into a value of a type that the repositories scan into.
func assign(dest any, value driver.Value) error {
	switch dest := dest.(type) {
	case sql.Scanner:
		return dest.Scan(value)
	case *any:
		*dest = value
		return nil
	case *string:
		if text, ok := value.(string); ok {
			*dest = text
			return nil
		}
	case *[]byte:
		if bytes, ok := value.([]byte); ok {
			*dest = bytes
			return nil
		}
	case *int64:
		if number, ok := value.(int64); ok {
			*dest = number
			return nil
		}
	case *int:
		if number, ok := value.(int64); ok && number >= math.MinInt && number <= math.MaxInt {
			*dest = int(number)
			return nil
		}
	case *uint32:
		if number, ok := value.(int64); ok && number >= 0 && number <= math.MaxUint32 {
			*dest = uint32(number)
			return nil
		}
	}
	return fmt.Errorf("a %T does not fit a %T", value, dest)
}
