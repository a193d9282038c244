package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample has invented figures.
const sample = `{"target":"ostiary","flow":"jwks","callers":32,"round":1,"per_second":30000,"p50_ms":0.5,"p99_ms":2,"server_cpu_ms":0.02}
{"target":"peer","flow":"jwks","callers":32,"round":1,"per_second":400,"p50_ms":40,"p99_ms":250,"server_cpu_ms":3}
{"target":"ostiary","flow":"jwks","callers":32,"round":2,"per_second":34000,"p50_ms":0.7,"p99_ms":4,"server_cpu_ms":0.04,"errors":1}
{"target":"ostiary","flow":"refresh","callers":32,"round":1,"per_second":4000,"p50_ms":5,"p99_ms":20,"server_cpu_ms":0.2,"database_cpu_ms":0.1,"statements":-1}
{"target":"ostiary","flow":"refresh","callers":512,"round":1,"offered":2000,"per_second":2000,"p50_ms":1,"p99_ms":4,"seconds":2}
{"target":"ostiary","flow":"refresh","callers":512,"round":1,"offered":16000,"per_second":3600,"p50_ms":30,"p99_ms":60,"refused":24800,"refused_p99_ms":3,"seconds":2}
{"target":"ostiary","flow":"refresh","callers":1,"round":1,"per_second":1500,"p50_ms":0.6,"p99_ms":1.2}
{"target":"ostiary","flow":"refresh","grants":10000,"callers":32,"round":1,"per_second":4000,"server_cpu_ms":0.2,"database_cpu_ms":0.1}
{"target":"ostiary","flow":"refresh","grants":10000000,"callers":32,"round":1,"per_second":3800,"server_cpu_ms":0.2,"database_cpu_ms":0.13}
{"limit":"HTTP hello","callers":32,"per_second":80000,"p99_ms":1,"cpu_ms":0.01}
{"limit":"HTTP hello","callers":64,"per_second":90000,"p99_ms":2,"cpu_ms":0.01}
{"target":"ostiary","first_answer_ms":18,"idle_mb":23.5,"binary_mb":23.4,"cpu_ms":19}
`

func inFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTablesComeFromTheFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"throughput": `| flow | ostiary, /s | p99, ms | of the limit | peer, /s | p99, ms | ratio |
|---|---:|---:|---:|---:|---:|---:|
| key set | 32,000 | 3 | 40 % | 400 | 250 | 80x |
| refresh | 4,000 | 20 | - | - | - | - |
`,
		"overload": `| flow | offered | offered, /s | answered, /s | p99 from sending, ms | p99 from arrival, ms | refused, /s | errors |
|---|---:|---:|---:|---:|---:|---:|---:|
| refresh | 0.5x | 2,000 | 2,000 | 4 | 4 | 0 | 0 |
| refresh | 4x | 16,000 | 3,600 | 60 | 60 | 12,400 | 0 |
`,
		"growth": `| operations per second, and processor time in ms | 10k grants | 10M grants | time, change |
|---|---:|---:|---:|
| refresh | 4,000, 0.300 | 3,800, 0.330 | +10 % |
`,
		"latency": `| p50 / p99, ms | 1 caller | 32 callers |
|---|---:|---:|
| key set | - | 0.6 / 3 |
| refresh | 0.6 / 1.2 | 5 / 20 |
`,
		"start": `|  | first response, ms | processor, ms | idle memory, MB | binary, MB |
|---|---:|---:|---:|---:|
| ostiary | 18 | 19 | 23.5 | 23.4 |
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := inFile(t, "doc.md", "before\n<!-- table:"+name+" -->\nold\n<!-- /table -->\nafter\n")
			if err := run([]string{"--doc", doc, inFile(t, "r.jsonl", sample)}, io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(doc)
			if err != nil {
				t.Fatal(err)
			}
			if whole := "before\n<!-- table:" + name + " -->\n" + want + "<!-- /table -->\nafter\n"; string(got) != whole {
				t.Errorf("the document is\n%s\nwant\n%s", got, whole)
			}
		})
	}
}

func TestTablesAndFiguresWithoutDataRemainUnchanged(t *testing.T) {
	t.Parallel()
	const text = "<!-- table:limits -->\nold\n<!-- /table -->\n"
	doc, folder := inFile(t, "doc.md", text), t.TempDir()
	results := inFile(t, "r.jsonl", `{"target":"ostiary","first_answer_ms":18,"idle_mb":23.5,"binary_mb":23.4,"cpu_ms":19}`)
	if err := run([]string{"--doc", doc, "--images", folder, results}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(doc); err != nil || string(got) != text {
		t.Errorf("the document is %q, %v", got, err)
	}
	if drawn, err := os.ReadDir(folder); err != nil || len(drawn) > 0 {
		t.Errorf("figures without data: %v, %v", drawn, err)
	}
}

func TestFiguresAreDrawn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := run([]string{"--images", folder, inFile(t, "r.jsonl", sample)}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name, texts := range map[string][]string{
		"throughput.svg": {"key set", "32k", "80x", "refresh", "peer"},
		"latency.svg":    {"refresh", "p50", "p99"},
		"overload.svg":   {"refresh", "0.5x", "4x"},
		"growth.svg":     {"refresh, 0.300 → 0.330 ms", "10k", "10M", "+25 %"},
	} {
		content, err := textsOf(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range texts {
			if !strings.Contains(content, want) {
				t.Errorf("%s lacks the text %q:\n%s", name, want, content)
			}
		}
	}
}

// textsOf returns the texts of a figure, one per line.
func textsOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var all strings.Builder
	for d := xml.NewDecoder(file); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all.String(), nil
		}
		if err != nil {
			return "", err
		}
		if text, ok := token.(xml.CharData); ok {
			fmt.Fprintln(&all, strings.TrimSpace(string(text)))
		}
	}
}

func TestErrorsAreReported(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ results, doc, want string }{
		"malformed JSON": {"{", "", "line 1"},
		"unknown result": {`{"a":1}`, "", "not a flow, limit or start"},
		"unknown table":  {sample, "<!-- table:none -->\n<!-- /table -->\n", "unknown table none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run([]string{"--doc", inFile(t, "doc.md", tc.doc), inFile(t, "r.jsonl", tc.results)}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("run = %v, want %q", err, tc.want)
			}
		})
	}
}
