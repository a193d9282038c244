package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// versionCommand prints the version.
type versionCommand struct {
	outputFlags
}

// buildInfo is the version and origin of the binary.
type buildInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
}

// Run prints the version.
func (cmd *versionCommand) Run(s Streams, c *commandLine) error {
	b := buildInfo{Version: c.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				b.Revision = setting.Value
			case "vcs.time":
				b.Time = setting.Value
			case "vcs.modified":
				b.Modified = setting.Value == "true"
			}
		}
	}
	return printObject(s.Out, cmd.outputFlags, b)
}

// versionFlag is --version, the short form of the command.
type versionFlag bool

// BeforeReset prints the version before the rest of the command line is parsed.
func (versionFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error {
	_, err := fmt.Fprintln(app.Stdout, "ostiary", vars["version"])
	app.Exit(0)
	return err
}
