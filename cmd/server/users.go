package main

// usersCommand manages accounts.
type usersCommand struct{}
