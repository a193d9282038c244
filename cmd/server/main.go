// Command server runs Ostiary, an OAuth 2.0 authorization server and OpenID provider.
package main

import (
	"os"

	"github.com/ostiary/ostiary/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Main(version)) }
