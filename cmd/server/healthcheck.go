package main

// healthcheckCommand asks a running server.
type healthcheckCommand struct{}
