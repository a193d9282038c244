// An Express application that signs its users in with Auth.js. In Next.js the
// same configuration goes to NextAuth() of next-auth 5.
import { env } from 'node:process'
import express from 'express'
import { ExpressAuth, getSession } from '@auth/express'

// refresh returns the tokens of a new token response (RFC 6749 section 6).
async function refresh(refreshToken) {
  const response = await fetch(`${env.ISSUER}/oauth2/token`, {
    method: 'POST',
    headers: { Authorization: 'Basic ' + btoa(`${env.CLIENT_ID}:${env.CLIENT_SECRET}`) },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  })
  if (!response.ok) throw new Error(`refresh: ${response.status} ${await response.text()}`)
  return response.json()
}

const config = {
  secret: env.SESSION_SECRET,
  trustHost: true,
  providers: [
    {
      id: 'ostiary',
      name: 'Ostiary',
      type: 'oidc',
      issuer: env.ISSUER,
      clientId: env.CLIENT_ID,
      clientSecret: env.CLIENT_SECRET,
      authorization: { params: { scope: 'openid profile email groups offline_access' } },
    },
  ],
  callbacks: {
    // account and profile are there at sign-in only; profile is the ID token.
    async jwt({ token, account, profile }) {
      if (account) {
        return { ...token, profile, refreshToken: account.refresh_token, idToken: account.id_token, expiresAt: account.expires_at }
      }
      if (Date.now() < token.expiresAt * 1000 - 60_000 && !config.refreshNow) return token
      const tokens = await refresh(token.refreshToken)
      return {
        ...token,
        refreshToken: tokens.refresh_token ?? token.refreshToken,
        idToken: tokens.id_token,
        expiresAt: Date.now() / 1000 + tokens.expires_in,
        refreshed: true,
      }
    },
    session: ({ session, token }) => ({ ...session, profile: token.profile, idToken: token.idToken, refreshed: token.refreshed }),
  },
}

const app = express()
app.set('trust proxy', true)
app.use('/auth', ExpressAuth(config))

app.get('/', async (req, res) => res.send((await getSession(req, config)) ? 'signed in' : 'signed out'))

app.get('/me', async (req, res) => {
  const session = await getSession(req, config)
  if (!session) return res.redirect('/auth/signin')
  res.json(session.profile)
})

// For the test: the next request refreshes although the token has not expired.
app.get('/refresh', async (req, res) => {
  config.refreshNow = true
  const session = await getSession(req, config)
  config.refreshNow = false
  res.json({ refreshed: session.refreshed, sub: session.profile.sub })
})

// Auth.js ends its own session only; this ends the one at Ostiary as well.
app.get('/sign-out', async (req, res) => {
  const session = await getSession(req, config)
  res.clearCookie('authjs.session-token').clearCookie('__Secure-authjs.session-token', { secure: true })
  res.redirect(`${env.ISSUER}/oauth2/sessions/logout?${new URLSearchParams({
    id_token_hint: session.idToken,
    post_logout_redirect_uri: env.BASE_URL + '/',
  })}`)
})

app.listen(env.PORT, 'localhost', () => console.log('ready'))
