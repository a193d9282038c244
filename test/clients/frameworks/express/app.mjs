// An Express application that signs its users in with express-openid-connect.
import { env } from 'node:process'
import express from 'express'
import openid from 'express-openid-connect'

const { auth, requiresAuth } = openid
const app = express()

app.use(
  auth({
    issuerBaseURL: env.ISSUER,
    baseURL: env.BASE_URL,
    clientID: env.CLIENT_ID,
    clientSecret: env.CLIENT_SECRET,
    secret: env.SESSION_SECRET, // at least 32 random characters; it seals the session cookie
    authRequired: false,
    idpLogout: true, // sign out at Ostiary too
    authorizationParams: {
      response_type: 'code', // the default is the implicit flow
      scope: 'openid profile email groups offline_access',
    },
  }),
)

// /login and /logout are routes of the middleware.
app.get('/', (req, res) => res.send(req.oidc.isAuthenticated() ? 'signed in' : 'signed out'))

// req.oidc.user is the ID token.
app.get('/me', requiresAuth(), (req, res) => res.json(req.oidc.user))

app.get('/refresh', requiresAuth(), async (req, res) => {
  const { access_token: token } = await req.oidc.accessToken.refresh()
  res.json({ refreshed: Boolean(token), sub: req.oidc.user.sub })
})

app.listen(env.PORT, 'localhost', () => console.log('ready'))
