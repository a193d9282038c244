package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// openConsole returns both ends of a new terminal: the person's and the program's.
func openConsole(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	var number, unlocked uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// converse runs a command on a terminal, on which a person types each answer when
// its question appears, and returns all that the terminal showed.
func converse(sh *clitest.Shell, ctx context.Context, args []string, dialogue ...string) (shown string, code int) {
	sh.T.Helper()
	person, program := openConsole(sh.T)
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, servertest.Version, append(append([]string{}, sh.Settings...), args...), cli.Streams{program, &out, program})
		fmt.Fprint(program, "\x04")
	}()
	screen := bufio.NewReader(person)
	var all strings.Builder
	for i := 0; i+1 < len(dialogue); i += 2 {
		for !strings.HasSuffix(all.String(), dialogue[i]) {
			r, _, err := screen.ReadRune()
			if err != nil || r == '\x04' {
				sh.T.Fatalf("the terminal shows %q and never %q (%v)", all.String(), dialogue[i], err)
			}
			all.WriteRune(r)
		}
		if _, err := person.WriteString(dialogue[i+1]); err != nil {
			sh.T.Fatal(err)
		}
	}
	rest, err := screen.ReadString('\x04')
	if err != nil {
		sh.T.Fatal(err)
	}
	return all.String() + rest + out.String(), <-ended
}

func TestPasswordPromptDoesNotEcho(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	args := []string{"users", "create", "jo"}
	shown, code := converse(sh, t.Context(), args, "Password: ", "correct horse\r", "Repeat password: ", "correct horse\r")
	if code != 0 || !signsIn(sh, "jo", "correct horse") {
		t.Errorf("exit code %d: %s", code, shown)
	}
	servertest.Lacks(t, shown, "correct horse")

	args = []string{"users", "set-password", "jo"}
	shown, code = converse(sh, t.Context(), args, "Password: ", "battery staple\r", "Repeat password: ", "battery stable\r")
	if code != 1 || !signsIn(sh, "jo", "correct horse") {
		t.Errorf("two different passwords gave exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "do not match")
}

func TestDeleteAsksForConfirmation(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=app", "--name=My App", "--grant-type=client_credentials")
	args := []string{"clients", "delete", "app"}
	if shown, code := converse(sh, t.Context(), args, "(My App) and all of its tokens? Type yes: ", "no\n"); code != 1 {
		t.Errorf("no was taken for yes: %s", shown)
	}
	sh.Must("clients", "get", "app")
	if shown, code := converse(sh, t.Context(), args, "Type yes: ", "YES\n"); code != 0 {
		t.Errorf("yes was taken for no: %s", shown)
	}
	sh.MustFail("clients", "get", "app")
}

func TestConfirmationCanBeInterrupted(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	shown, code := converse(sh, t.Context(), []string{"users", "create", "jo"}, "Password: ", "corr\x03")
	if code != 1 {
		t.Errorf("Ctrl+C gave exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "no password entered")

	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if shown, code := converse(sh, ctx, []string{"users", "create", "jo"}); code != 1 {
		t.Errorf("the end of the process gave exit code %d: %s", code, shown)
	}
	sh.MustFail("users", "disable", "jo")
}

func TestProgressIsShownOnTerminalsOnly(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	file := sh.WriteFile("users.json", goodUsers)
	shown, code := converse(sh, t.Context(), []string{"users", "import", file})
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "users: 1 of 3", "users: 3 of 3", "3 created")
	if got := sh.Run("users", "import", file); got.Err != "" {
		t.Errorf("without a terminal the import says %q", got.Err)
	}
}
