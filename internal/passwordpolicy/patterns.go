package passwordpolicy

import (
	"strings"
	"unicode/utf8"
)

const (
	// minRest is the number of characters that a password needs beside names and runs of keys.
	minRest = 8
	// minRun is the length from which adjacent keys count as a run.
	minRun = 4
	// minDistinct is the number of different characters that a password needs.
	minDistinct = 5
)

// pattern returns why a password in lower case is made of something that can be guessed,
// "" if it is not. The names are in lower case.
func pattern(password string, names []string) Reason {
	switch {
	case isShortened(password, withoutNames(password, names)):
		return Name
	case isShortened(password, withoutRuns(password)):
		return Keyboard
	case isRepetition(password):
		return Repeated
	default:
		return ""
	}
}

// isShortened reports whether rest is what was left of the password, and too little.
func isShortened(password, rest string) bool {
	return rest != password && utf8.RuneCountInString(rest) < minRest
}

func withoutNames(password string, names []string) string {
	for _, name := range names {
		password = strings.ReplaceAll(password, name, "")
	}
	return password
}

// withoutRuns removes runs of adjacent keys, in both directions.
func withoutRuns(password string) string {
	// The rows of QWERTY, QWERTZ and AZERTY, and their columns.
	const keys = "1234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik"
	layout := keys + " " + reverse(keys)
	var rest strings.Builder
	for password != "" {
		_, size := utf8.DecodeRuneInString(password)
		run := size
		for run < len(password) && strings.Contains(layout, password[:run+1]) {
			run++
		}
		if run < minRun || strings.Contains(password[:run], " ") {
			run = size
			rest.WriteString(password[:run])
		}
		password = password[run:]
	}
	return rest.String()
}

func reverse(s string) string {
	b := []byte(s)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

// isRepetition reports whether the password has few different characters, or repeats one
// text.
func isRepetition(password string) bool {
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	period := strings.Index((password + password)[min(1, len(password)):], password) + 1
	return len(distinct) < minDistinct || period < len(password)
}
