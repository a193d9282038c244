// Command plot draws the figures and writes the tables of docs/performance.md from
// the files that bench/ writes, so that nobody types a number:
//
//	go -C tools run ./plot --images ../docs/images --doc ../docs/performance.md ../results.jsonl
//
// A figure or table for which the files hold nothing stays as it is.
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
	images := flags.String("images", "", "`folder` for the figures; none are drawn without")
	doc := flags.String("doc", "", "Markdown `file` with the tables' markers; none are written without")
	view := view{}
	flags.StringVar(&view.ours, "ours", "ostiary", "`name` of the target that the others are peers of")
	flags.IntVar(&view.callers, "callers", 32, "at how many callers servers are compared")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || view.callers < 1 {
		return errors.New("name the files of results")
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

// view is what is shown of the data.
type view struct {
	*data

	ours    string
	callers int
}

// draw writes every figure that there is something to show in.
func (v *view) draw(folder string, stdout io.Writer) error {
	for _, figure := range []struct {
		name string
		draw func() (*canvas, error)
	}{
		{"throughput.svg", v.throughput}, {"latency.svg", v.latency}, {"overload.svg", v.overload}, {"growth.svg", v.growth},
	} {
		c, err := figure.draw()
		if err != nil {
			return fmt.Errorf("%s: %w", figure.name, err)
		}
		if c == nil {
			remark(stdout, "%s: nothing to show\n", figure.name)
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, figure.name), c.file.bytes(), 0o644); err != nil { //nolint:gosec // for everybody
			return fmt.Errorf("write %s: %w", figure.name, err)
		}
		remark(stdout, "%s: drawn\n", figure.name)
	}
	return nil
}

// remark tells whoever watches; nothing depends on their reading it.
func remark(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
