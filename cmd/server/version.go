package main

// versionCommand says what is running.
type versionCommand struct{}
