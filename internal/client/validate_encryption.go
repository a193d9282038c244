package client

// encryptionPair is a pair of alg and enc members.
type encryptionPair struct {
	member   string // the common prefix of both names
	alg, enc *string
}

func (m *Metadata) encryptions() []encryptionPair {
	return []encryptionPair{
		{"id_token_encrypted_response", &m.IDTokenEncryptedResponseAlg, &m.IDTokenEncryptedResponseEnc},
		{"authorization_encrypted_response", &m.AuthorizationEncryptedResponseAlg, &m.AuthorizationEncryptedResponseEnc},
		{"introspection_encrypted_response", &m.IntrospectionEncryptedResponseAlg, &m.IntrospectionEncryptedResponseEnc},
		{"userinfo_encrypted_response", &m.UserinfoEncryptedResponseAlg, &m.UserinfoEncryptedResponseEnc},
	}
}

// encryption checks the requested encryption, and that jwks has a key for it. Keys behind a
// jwks_uri are read later, when they are needed.
//
// Spec: OpenID Connect Registration §2.
func (c *checks) encryption(m *Metadata) {
	keys, _ := ReadKeySet(m.JWKS) // unsupported keys are already reported
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
