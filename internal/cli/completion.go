package cli

import (
	"fmt"

	"github.com/alecthomas/kong"
	"github.com/posener/complete"
	"github.com/willabides/kongplete"
)

// completionCommand prints the completion script of a shell.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// The scripts call ostiary with the typed text in COMP_LINE.
const (
	bashCompletion = `complete -o default -C ostiary ostiary
`
	zshCompletion = `autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
` + bashCompletion
	fishCompletion = `function __ostiary_words
  set -l words (COMP_LINE=(commandline --cut-at-cursor | string collect) ostiary)
  if set -q words[1]
    string join \n $words
  else
    __fish_complete_path (commandline --current-token)
  end
end
complete --command ostiary --no-files --arguments '(__ostiary_words)'
`
)

// Help returns examples.
func (completionCommand) Help() string {
	return `As in: source <(ostiary completion bash), or: ostiary completion fish | source. ostiary has to be in the PATH.`
}

// Run prints the script.
func (cmd *completionCommand) Run(s Streams) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[cmd.Shell]
	if _, err := fmt.Fprint(s.Out, script); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// completeShell prints completions and calls exit if a shell requests them.
func completeShell(parser *kong.Kong, exit func(code int)) {
	kongplete.Complete(parser, kongplete.WithExitFunc(exit), kongplete.WithPredictor("file", complete.PredictFiles("*")))
}
