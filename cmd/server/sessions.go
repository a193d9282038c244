package main

// sessionsCommand lists and ends sessions.
type sessionsCommand struct{}
