package main

// migrateCommand brings the schema up to date.
type migrateCommand struct{}
