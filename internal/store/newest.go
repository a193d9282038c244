package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/store/db"
)

// arguments are the arguments of a statement.
type arguments []any

// add appends an argument and returns its placeholder.
func (a *arguments) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}

// countUpTo counts the rows of a statement with one argument, at most atMost. The statement has no
// order: PostgreSQL would sort all rows if it expects fewer than atMost.
func countUpTo(ctx context.Context, d *db.DB, statement, value string, atMost int) (int, error) {
	var count int64
	if err := d.LongRead.QueryRow(ctx, `SELECT count(*) FROM (`+statement+` LIMIT `+strconv.Itoa(atMost)+`) n`, value).Scan(&count); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return int(count), nil
}

// equality is the condition that a column has a value.
type equality struct{ column, value string }

// chosen returns the equalities that have a value.
func chosen(all ...equality) (list []equality) {
	for _, one := range all {
		if one.value != "" {
			list = append(list, one)
		}
	}
	return list
}

// newest returns the end of a statement that reads rows from the newest to the oldest: of those
// with the values of index, which are the columns of an index before the ID, and of others, from the
// ID since to before the ID before. It compares rows and orders by all columns of the index. For an
// equality PostgreSQL reads the index of IDs, however few rows have the value.
func newest(index, others []equality, since, before string, limit int, args *arguments) string {
	if before == "" {
		before = endOfIDs
	}
	return between(index, others, ">=", since, before, " DESC", limit, args)
}

// next is [newest] from the oldest to the newest: of the rows after the ID after.
func next(index, others []equality, after, before string, limit int, args *arguments) string {
	return between(index, others, ">", after, before, "", limit, args)
}

// endOfIDs sorts after every ID in every collation.
const endOfIDs = "z"

// between returns the end of a statement of [newest] or [next].
func between(index, others []equality, from, first, last, direction string, limit int, args *arguments) string {
	var columns, firsts, lasts, order strings.Builder
	for _, one := range index {
		columns.WriteString(one.column + ", ")
		firsts.WriteString(args.add(one.value) + ", ")
		lasts.WriteString(args.add(one.value) + ", ")
		order.WriteString(one.column + direction + ", ")
	}
	var end strings.Builder
	end.WriteString(` WHERE (` + columns.String() + `id) ` + from + ` (` + firsts.String() + args.add(first) + `) AND (` + columns.String() + `id) < (` +
		lasts.String() + args.add(last) + `)`)
	for _, one := range others {
		end.WriteString(` AND ` + one.column + ` || '' = ` + args.add(one.value)) // without the index of the column
	}
	end.WriteString(` ORDER BY ` + order.String() + `id` + direction + ` LIMIT ` + strconv.Itoa(limit))
	return end.String()
}
