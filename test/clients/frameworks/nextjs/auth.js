// Next.js signs its users in with Auth.js (next-auth 5).
import NextAuth from 'next-auth'

export const { handlers, auth } = NextAuth({
  secret: process.env.SESSION_SECRET,
  trustHost: true,
  providers: [
    {
      id: 'ostiary',
      name: 'Ostiary',
      type: 'oidc',
      issuer: process.env.ISSUER,
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      authorization: { params: { scope: 'openid profile email groups' } },
    },
  ],
  callbacks: {
    // profile is the ID token, and there at sign-in only.
    jwt: ({ token, account, profile }) => (account ? { ...token, profile, idToken: account.id_token } : token),
    session: ({ session, token }) => ({ ...session, profile: token.profile, idToken: token.idToken }),
  },
})
