package client

// encryptionPair are two members that say together how something is encrypted.
type encryptionPair struct {
	member   string // what the names of both begin with
	alg, enc *string
}

func (m *Metadata) encryptions() []encryptionPair {
	return []encryptionPair{
		{"id_token_encrypted_response", &m.IDTokenEncryptedResponseAlg, &m.IDTokenEncryptedResponseEnc},
		{"userinfo_encrypted_response", &m.UserinfoEncryptedResponseAlg, &m.UserinfoEncryptedResponseEnc},
	}
}

// encryption checks what the client wants encrypted, and that it has a key for it.
// Keys behind a jwks_uri are looked for when they are needed.
//
// Spec: OpenID Connect Registration section 2.
func (c *checks) encryption(m *Metadata) {
	keys, _ := ReadKeySet(m.JWKS) // the unfit ones were told of
	for _, pair := range m.encryptions() {
		alg, enc := pair.member+"_alg", pair.member+"_enc"
		c.oneOf(alg, *pair.alg, EncryptionAlgs()...)
		c.oneOf(enc, *pair.enc, EncryptionEncs()...)
		switch {
		case *pair.alg == "" && *pair.enc != "":
			c.fail(enc, "must not stand without "+alg)
		case *pair.alg == "" || m.JWKSURI != "":
		case m.JWKS == nil:
			c.fail("jwks", "or jwks_uri is needed for "+alg)
		default:
			if _, ok := EncryptionKey(keys, *pair.alg); !ok {
				c.fail("jwks", "must hold a key that can be used for "+alg)
			}
		}
	}
}
