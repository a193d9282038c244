package main

// clientsCommand manages clients.
type clientsCommand struct{}
