// Package rig runs the whole server for tests: the real binary, configured by
// environment variables only, as one or more replicas behind a load balancer whose
// address is the issuer.
//
// Tests use only HTTP and the command line, as browsers, clients and operators do.
// Every wait has a timeout, and all processes stop with their test.
package rig

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// processTimeout is the longest wait for a process to start or stop.
const processTimeout = time.Minute

// Options describe the server to run.
type Options struct {
	// Database is the URL of the database; empty creates a SQLite file.
	Database string
	// Issuer is the issuer; empty means the URL of the balancer.
	Issuer string
	// Path is the path of the issuer at the balancer; empty means none. With ISSUER_PATH
	// "stripped" in Env, the balancer removes it.
	Path string
	// Proxy, unless nil, starts a server in front of the balancer and returns its public
	// URL. Path is then ignored.
	Proxy func(balancer string) (issuer string)
	// Replicas is the number of processes; 0 means one.
	Replicas int
	// Env has additional variables, without the prefix OSTIARY_.
	Env map[string]string
	// MutualTLS adds a listener for clients with a certificate, to a server with one replica.
	MutualTLS bool
	// DiskMayFill prepares the replicas for FillDisk.
	DiskMayFill bool
}

// Cluster is a running server. Its [Endpoint] is the balancer.
type Cluster struct {
	*Endpoint

	// Database is the URL of the database.
	Database string
	// MutualTLS is empty without [Options.MutualTLS].
	MutualTLS MutualTLS

	direct   string // URL of the replicas without the balancer
	tb       testing.TB
	dir      string
	env      map[string]string
	balancer *balancer
	replicas []*replica
}

// Serve starts the server and waits until every replica is ready. It stops with the
// test, which fails if a replica does not exit with 0.
func Serve(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, Database: options.Database, dir: shortTempDir(tb)}
	if c.Database == "" {
		c.Database = Database(tb, SQLite)
	}
	for i := range max(1, options.Replicas) {
		r := newReplica(c.dir, i)
		if options.DiskMayFill {
			r.wrapper = blockFileSizeSignal()
		}
		c.replicas = append(c.replicas, r)
	}
	c.balancer = balance(tb, c.replicas)
	c.setAddresses(options)
	c.env = map[string]string{
		"ISSUER":                   c.Issuer,
		"DATABASE_URL":             c.Database,
		"SYSTEM_SECRETS":           randomText(),
		"TRUSTED_PROXIES":          "127.0.0.0/8",
		"RATE_LIMITS":              "off",
		"SHUTDOWN_DELAY":           "500ms",
		"SHUTDOWN_TIMEOUT":         "20s",
		"ARGON2_MEMORY_MIB":        "19",
		"LOG_LEVEL":                "debug",
		"LOG_FORMAT":               "json",
		"REGISTRATION":             "open",
		"DATABASE_MAX_CONNECTIONS": "16",
	}
	if options.MutualTLS {
		listenMutualTLS(tb, c)
	}
	maps.Copy(c.env, options.Env)

	binary := Build(tb)
	tb.Cleanup(c.stopAll)
	for _, r := range c.replicas {
		if err := r.start(binary, c.environment(r)); err != nil {
			tb.Fatal(err)
		}
	}
	for _, r := range c.replicas {
		if err := r.awaitReady(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

// Len returns the number of replicas.
func (c *Cluster) Len() int { return len(c.replicas) }

// setAddresses sets the issuer and the addresses for requests.
func (c *Cluster) setAddresses(options Options) {
	issuer := cmp.Or(options.Issuer, c.balancer.url+options.Path)
	at := c.balancer.url + options.Path
	if options.Proxy != nil {
		issuer = options.Proxy(c.balancer.url)
		at = issuer
	}
	c.direct = at
	if options.Path != "" && options.Env["ISSUER_PATH"] == "stripped" {
		c.balancer.strippedPath, c.direct = options.Path, c.balancer.url
	}
	c.Endpoint = &Endpoint{URL: at, Issuer: issuer, HTTP: newHTTP(nil)}
}

// At returns the endpoint of one replica, without the balancer.
func (c *Cluster) At(i int) *Endpoint {
	return &Endpoint{URL: c.direct, Issuer: c.Issuer, HTTP: newHTTP(c.replicas[i].dial)}
}

// Admin returns the admin listener of one replica.
func (c *Cluster) Admin(i int) *Endpoint {
	r := c.replicas[i]
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", r.socket+".admin")
	}
	return &Endpoint{URL: "http://localhost", Issuer: c.Issuer, HTTP: newHTTP(dial)}
}

// Kill terminates a replica with SIGKILL.
func (c *Cluster) Kill(i int) {
	c.tb.Helper()
	if err := c.replicas[i].kill(); err != nil {
		c.tb.Fatal(err)
	}
}

// Pause suspends the process of a replica, as with a suspended virtual machine. It does not
// leave the process suspended in a transaction: in SQLite, no other process could write
// until Resume.
func (c *Cluster) Pause(i int) {
	c.tb.Helper()
	const tries = 100
	for range tries {
		if err := c.replicas[i].signal(syscall.SIGSTOP); err != nil {
			c.tb.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // until no thread runs
		if !storetest.InTransaction(c.tb, c.Database) {
			return
		}
		c.Resume(i)
		time.Sleep(10 * time.Millisecond)
	}
	c.tb.Fatalf("replica %d was in a transaction at each of %d attempts to suspend it", i, tries)
}

// Resume resumes a paused replica.
func (c *Cluster) Resume(i int) {
	c.tb.Helper()
	if err := c.replicas[i].signal(syscall.SIGCONT); err != nil {
		c.tb.Fatal(err)
	}
}

// Stop terminates a replica gracefully, as an orchestrator does, and waits for its
// exit. The test fails if the exit code is not 0. It may be called from any goroutine.
func (c *Cluster) Stop(i int) {
	c.tb.Helper()
	if err := c.replicas[i].stop(); err != nil {
		c.tb.Error(err)
	}
}

// Restart starts a stopped or killed replica and waits until it is ready. It may be
// called from any goroutine.
func (c *Cluster) Restart(i int) {
	c.tb.Helper()
	r := c.replicas[i]
	err := r.start(Build(c.tb), c.environment(r))
	if err == nil {
		err = r.awaitReady(context.WithoutCancel(c.tb.Context()))
	}
	if err != nil {
		c.tb.Error(err)
	}
}

// Logs returns the logs of all replicas, including those before a restart.
func (c *Cluster) Logs() string {
	var all strings.Builder
	for _, r := range c.replicas {
		all.WriteString(r.logged())
	}
	return all.String()
}

// Secret returns the system secret.
func (c *Cluster) Secret() string { return c.env["SYSTEM_SECRETS"] }

func (c *Cluster) stopAll() {
	var wait sync.WaitGroup
	for _, r := range c.replicas {
		wait.Go(func() {
			if err := r.stop(); err != nil {
				c.tb.Error(err)
			}
			if c.tb.Failed() {
				c.tb.Logf("end of the log of %s:\n%s", r.name, tail(r.logged()))
			}
		})
	}
	wait.Wait()
}

// environment returns the environment of a process.
func (c *Cluster) environment(r *replica) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "TMPDIR=" + c.dir}
	for name, value := range c.env {
		env = append(env, "OSTIARY_"+name+"="+value)
	}
	if r != nil {
		env = append(env, "OSTIARY_LISTEN=unix:"+r.socket, "OSTIARY_ADMIN_LISTEN=unix:"+r.socket+".admin")
	}
	return env
}

// shortTempDir returns a temporary directory whose name is short enough for Unix
// sockets. A directory with the test's name in it may be too long.
func shortTempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "ostiary-rig-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove the directory of the rig: %v", err)
		}
	})
	return dir
}

func newReplica(dir string, i int) *replica {
	name := "replica-" + strconv.Itoa(i)
	r := &replica{name: name, socket: filepath.Join(dir, strconv.Itoa(i)+".sock"), log: filepath.Join(dir, name+".log")}
	r.health = &http.Client{Transport: &http.Transport{DialContext: r.dial, DisableKeepAlives: true}, Timeout: 2 * time.Second}
	return r
}

// tail returns the end of a log, without the level INFO and the probes during shutdown.
func tail(log string) string {
	const enough = 6000
	var lines []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"INFO"`) && !strings.Contains(line, `"route":"/health/ready"`) {
			lines = append(lines, line)
		}
	}
	log = strings.Join(lines, "")
	return log[max(0, len(log)-enough):]
}
