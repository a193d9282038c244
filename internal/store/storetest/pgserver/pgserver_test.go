package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// abandon in the environment makes this test binary a process that starts a
// server, prints its directory and waits to be killed.
const abandon = "PGSERVER_TEST_ABANDON"

func TestMain(m *testing.M) {
	if os.Getenv(abandon) == "" {
		os.Exit(m.Run())
	}
	server, err := Start(context.Background(), false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.dir)
	select {}
}

func TestAcknowledgedRowsSurviveStopAndKill(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]func(*Server) error{
		"stopped in order": (*Server).Stop,
		"killed":           (*Server).Kill,
		"still running":    func(*Server) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			server := start(t, true)
			tell(t, server.URL("postgres"), `CREATE TABLE notes (body text)`)
			tell(t, server.URL("postgres"), `INSERT INTO notes VALUES ('kept')`)

			if err := end(server); err != nil {
				t.Fatal(err)
			}
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := ask(t, server.URL("postgres"), `SELECT body FROM notes`); got != "kept" {
				t.Errorf("after the restart the note reads %q, want %q", got, "kept")
			}
		})
	}
}

func TestKilledServerRejectsConnections(t *testing.T) {
	t.Parallel()

	server := start(t, false)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), server.URL("postgres")); err == nil {
		t.Errorf("connect to a killed server = %v, want an error", conn.Config().Host)
	}
}

func TestServerIsReachedByItsSocketOnly(t *testing.T) {
	t.Parallel()

	server := sharedServer(t)
	if got := ask(t, server.URL("postgres"), `SHOW listen_addresses`); got != "" {
		t.Errorf("listen_addresses = %q, want none", got)
	}
	info, err := os.Stat(server.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode of the socket's directory = %v, want %v: there is no password", got, fs.FileMode(0o700))
	}
}

func TestDurabilityFollowsTheOption(t *testing.T) {
	t.Parallel()

	for durable, want := range map[bool]string{true: "on", false: "off"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()

			server := sharedServer(t)
			if durable {
				server = start(t, true)
			}
			for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
				if got := ask(t, server.URL("postgres"), `SHOW `+setting); got != want {
					t.Errorf("durable %t: %s = %s, want %s", durable, setting, got, want)
				}
			}
		})
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	t.Parallel()

	server := start(t, false)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(server.dir) {
		t.Errorf("%s is still there", server.dir)
	}
	select {
	case <-server.ended:
	case <-time.After(patience):
		t.Error("the server still runs")
	}
}

func TestKilledTestProcessLeavesNothingBehind(t *testing.T) {
	t.Parallel()

	doomed := exec.Command(os.Args[0])
	doomed.Env = append(os.Environ(), abandon+"=1")
	out, err := doomed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	dir := lines.Text()
	session, err := pgx.Connect(t.Context(), (&Server{dir: dir}).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())

	doomed.Process.Kill()
	doomed.Wait()
	deadline := time.After(patience)
	for exists(dir) {
		select {
		case <-deadline:
			t.Fatalf("%s is still there %v after its process was killed", dir, patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := session.Ping(t.Context()); err == nil {
		t.Error("the server still answers on an open connection")
	}
}

// sharedServer returns a server for tests that neither end nor change it. It ends with
// the process.
func sharedServer(t *testing.T) *Server {
	t.Helper()
	server, err := startShared()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

var startShared = sync.OnceValues(func() (*Server, error) { return Start(context.Background(), false) })

func start(t *testing.T, durable bool) *Server {
	t.Helper()
	server, err := Start(t.Context(), durable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// connected calls act with a new connection.
func connected(ctx context.Context, databaseURL string, act func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	return errors.Join(act(conn), conn.Close(ctx))
}

func tell(t *testing.T, databaseURL, statement string) {
	t.Helper()
	err := connected(t.Context(), databaseURL, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func ask(t *testing.T, databaseURL, query string) string {
	t.Helper()
	var answer string
	err := connected(t.Context(), databaseURL, func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), query).Scan(&answer)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}
