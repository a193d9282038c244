package main

// grantsCommand lists and revokes grants.
type grantsCommand struct{}
