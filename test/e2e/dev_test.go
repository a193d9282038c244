//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// dev is a development server with the values of its banner.
type dev struct {
	site

	t *testing.T

	admin, setup, mail, smtp string
	data                     string

	process *exec.Cmd
	log     lockedBuffer
}

// startDev runs ostiary dev on free ports and reads its banner.
func startDev(t *testing.T, more ...string) *dev {
	t.Helper()
	return startDevAt(t, filepath.Join(t.TempDir(), "data"), "localhost:0", "localhost:0", more...)
}

func startDevAt(t *testing.T, data, listen, demoListen string, more ...string) *dev {
	t.Helper()
	d := &dev{t: t, data: data}
	d.process = exec.Command(rig.Build(t), append([]string{
		"dev", "--data", data, "--listen", listen, "--demo-listen", demoListen,
		"--admin-listen", "127.0.0.1:0", "--mail-listen", "127.0.0.1:0",
	}, more...)...)
	d.process.Env, d.process.Stderr = cleanEnvironment(), &d.log
	out, err := d.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.process.ProcessState == nil {
			_ = d.process.Process.Kill()
			_ = d.process.Wait()
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", d.log.String())
		}
	})

	// Kill a server that prints no banner, to end the loop.
	alarm := time.AfterFunc(timeout, func() { _ = d.process.Process.Kill() })
	defer alarm.Stop()
	banner := &strings.Builder{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		banner.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "  commands") {
			d.read(banner.String())
			return d
		}
	}
	t.Fatalf("the server exited before the end of the banner.\n%s\n%s", banner, d.log.String())
	return nil
}

// cleanEnvironment returns the environment without variables of the server.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "OSTIARY_") })
}

// read parses the banner.
func (d *dev) read(banner string) {
	d.t.Helper()
	find := func(pattern string) string {
		found := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(banner)
		if found == nil {
			d.t.Fatalf("no %q in the banner:\n%s", pattern, banner)
		}
		return found[1]
	}
	d.issuer = find(`^  issuer +(http\S+)$`)
	d.admin = find(`^  health +(http\S+)/health/ready$`)
	d.setup = find(`^  set-up +(.+)$`)
	d.demo = find(`^  demo app +(http\S+)$`)
	d.username, d.password = find(`sign in as (\S+) with`), find(`with the password (\S+)$`)
	d.mail, d.smtp = find(`^  mail +(http\S+) `), find(`smtp://([^)]+)\)`)
}

// stop terminates the server gracefully.
func (d *dev) stop() {
	d.t.Helper()
	if err := d.process.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	alarm := time.AfterFunc(timeout, func() { _ = d.process.Process.Kill() })
	defer alarm.Stop()
	if err := d.process.Wait(); err != nil {
		d.t.Fatalf("the server did not stop gracefully: %v", err)
	}
}

// again starts a server with the data directory and addresses of this one.
func (d *dev) again() *dev {
	d.t.Helper()
	host := func(url string) string { return url[strings.Index(url, "//")+2:] }
	return startDevAt(d.t, d.data, host(d.issuer), host(d.demo))
}

// kids returns the key ids in the key set.
func (d *dev) kids() map[string]bool {
	d.t.Helper()
	response, err := http.Get(d.issuer + "/.well-known/jwks.json")
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		d.t.Fatal(err)
	}
	kids := map[string]bool{}
	for _, key := range set.Keys {
		kids[key.ID] = true
	}
	return kids
}

// lockedBuffer is a buffer for concurrent use.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
