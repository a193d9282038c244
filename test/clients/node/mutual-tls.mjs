// Requests of an application with a client certificate (RFC 8705).
import { readFileSync } from 'node:fs'
import { env } from 'node:process'
import { Agent, fetch as send } from 'undici'

const agent =
  env.TLS_CERT &&
  new Agent({
    connect: { cert: readFileSync(env.TLS_CERT), key: readFileSync(env.TLS_KEY), ca: readFileSync(env.TLS_CA) },
  })

// fetchWithCertificate is fetch, with the certificate where there is one.
export const fetchWithCertificate = (url, options) => (agent ? send(url, { ...options, dispatcher: agent }) : fetch(url, options))
