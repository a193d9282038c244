// Package manage holds the changes that operators make, each written once with its
// validation and its audit events. The command line, the admin API, client registration and
// imports call it and only translate input and output.
package manage
