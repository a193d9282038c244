package credential

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// phc is a parsed argon2id or argon2i hash.
type phc struct {
	dataIndependent bool   // argon2i
	memory, passes  uint32 // memory in KiB
	parallelism     uint8
	salt, key       []byte
}

// CheckHash returns [ErrBadHash] unless hash is an argon2 hash that [Hasher.Verify] accepts,
// argon2id or argon2i, within the costs that imports may have: every sign-in pays them. It computes no
// hash.
func CheckHash(hash string) error {
	p, err := parsePHC(hash)
	if err == nil && (p.memory > 1<<20 || p.passes > 16) {
		return ErrBadHash
	}
	return err
}

// CheckImportedHash returns [ErrBadHash] unless an import may contain the hash: argon2id,
// argon2i, bcrypt, PBKDF2 (also of Django) or scrypt (also of Firebase), within bounds. It computes no
// hash.
func CheckImportedHash(hash string) error {
	if CheckHash(hash) == nil {
		return nil
	}
	_, err := parseForeignHash(hash)
	return err
}

// parsePHC parses an argon2id or argon2i hash in PHC form whose costs the configuration could have.
func parsePHC(s string) (phc, error) {
	var p phc
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[2] != "v=19" || strings.ContainsAny(s, "\r\n") {
		return phc{}, ErrBadHash // base64 would skip line ends
	}
	switch parts[1] {
	case "argon2id":
	case "argon2i":
		p.dataIndependent = true
	default:
		return phc{}, ErrBadHash
	}
	const costs = "m=%d,t=%d,p=%d"
	_, err := fmt.Sscanf(parts[3], costs, &p.memory, &p.passes, &p.parallelism)
	if err != nil || parts[3] != fmt.Sprintf(costs, p.memory, p.passes, p.parallelism) {
		return phc{}, ErrBadHash
	}
	if p.memory < 8 || p.memory > 4<<20 || p.passes < 1 || p.passes > 100 || p.parallelism < 1 || p.parallelism > 16 {
		return phc{}, ErrBadHash
	}
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return phc{}, ErrBadHash
	}
	if p.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, ErrBadHash
	}
	return p, nil
}
