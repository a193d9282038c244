package main

// keysCommand manages signing keys.
type keysCommand struct{}
