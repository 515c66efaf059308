// An independent verifier, with others' libraries alone: did the issuer sign these credentials? Takes JSON on standard
// input, and prints true or false for each.
//   { origin, contexts: { url: document }, credentials: [...], nonce }
// What it takes for a fault of its own, such as a document that is not there, is an error and no answer.

import { createPublicKey, verify } from 'node:crypto'
import { given, load, suites, Verifier } from './status_libraries.mjs'

const vc = await load('@digitalbazaar/vc')
const { compactVerify } = await load('jose')
const { SDJwtVcInstance } = await load('@sd-jwt/sd-jwt-vc')
const { digest } = await load('@sd-jwt/crypto-nodejs')

const { origin, contexts, credentials, nonce } = given()
const verifier = new Verifier({ origin, served: origin })
const REFUSALS = /signature|Verification error|hash|disclos/i

async function documentLoader(url) {
  if (contexts[url]) return { contextUrl: null, documentUrl: url, document: contexts[url] }
  return verifier.documentLoader(url)
}

async function checkProof(credential) {
  const checkStatus = async () => ({ verified: true }) // Not asked here.
  const { verified, error } = await vc.verifyCredential({ credential, suite: suites, documentLoader, checkStatus })
  if (!verified) throw error.errors?.[0] ?? error
}

async function checkSdJwt(token) {
  const ofIssuer = async (data, signature) => Boolean(await compactVerify(`${data}.${signature}`, verifier.jwk))
  const ofHolder = async (data, signature, { cnf }) => {
    const key = createPublicKey({ key: cnf.jwk, format: 'jwk' })
    return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  }
  const instance = new SDJwtVcInstance({ verifier: ofIssuer, kbVerifier: ofHolder, hasher: digest })
  await instance.verify(token, { keyBindingNonce: nonce })
}

async function check(credential) {
  if (typeof credential !== 'string') return checkProof(credential)
  return credential.includes('~') ? checkSdJwt(credential) : compactVerify(credential, verifier.jwk)
}

async function isAuthentic(credential) {
  try {
    await check(credential)
    return true
  } catch (error) {
    if (!REFUSALS.test(error.message)) throw error
    return false
  }
}

const judged = []
for (const credential of credentials) judged.push(await isAuthentic(credential))
console.log(JSON.stringify(judged))
