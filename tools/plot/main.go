// Command plot draws the figures and writes the tables of docs/performance.md from
// the result files of bench/:
//
//	go -C tools run ./plot --images ../docs/images --doc ../docs/performance.md ../results.jsonl
//
// A figure or table without data remains unchanged.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("plot", flag.ContinueOnError)
	flags.SetOutput(stderr)
	images := flags.String("images", "", "`folder` for the figures; without it no figures are drawn")
	doc := flags.String("doc", "", "Markdown `file` with the markers of the tables; without it no tables are written")
	view := view{}
	flags.StringVar(&view.ours, "ours", "ostiary", "`name` of the target to compare with the others")
	flags.IntVar(&view.callers, "callers", 32, "`number` of callers for the comparison of servers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || view.callers < 1 {
		return errors.New("at least one file of results is required, and --callers must be positive")
	}
	data, err := readFiles(flags.Args())
	if err != nil {
		return err
	}
	view.data = data
	if *images != "" {
		if err := view.draw(*images, stdout); err != nil {
			return err
		}
	}
	if *doc != "" {
		return view.tabulate(*doc, stdout)
	}
	return nil
}

// view is the data with the parameters of figures and tables.
type view struct {
	*data

	ours    string
	callers int
}

// draw writes every figure that has data.
func (v *view) draw(folder string, stdout io.Writer) error {
	for _, figure := range []struct {
		name string
		draw func() (*canvas, error)
	}{
		{"throughput.svg", v.throughput}, {"latency.svg", v.latency}, {"overload.svg", v.overload}, {"growth.svg", v.growth}, {"console.svg", v.console},
	} {
		c, err := figure.draw()
		if err != nil {
			return fmt.Errorf("%s: %w", figure.name, err)
		}
		if c == nil {
			printf(stdout, "%s: no data\n", figure.name)
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, figure.name), c.file.bytes(), 0o644); err != nil { //nolint:gosec // a public document
			return fmt.Errorf("write %s: %w", figure.name, err)
		}
		printf(stdout, "%s: written\n", figure.name)
	}
	return nil
}

// printf writes a message. A failed write is ignored.
func printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
