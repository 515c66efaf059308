// An issuer's service, with others' libraries alone. Takes JSON on standard input, and prints credentials: one of the
// W3C for `credentialStatus`, and an SD-JWT VC for `status`.
//   { issuer, key: { id, jwk }, credentialStatus?, status? } -> { credential?, sdJwt? }
// Both members are put in as they were handed out: here nobody knows what they mean.

import { createPrivateKey, sign } from 'node:crypto'
import { given, load } from './status_libraries.mjs'

const vc = await load('@digitalbazaar/vc')
const { DataIntegrityProof } = await load('@digitalbazaar/data-integrity')
const { SDJwtVcInstance } = await load('@sd-jwt/sd-jwt-vc')
const { digest, generateSalt } = await load('@sd-jwt/crypto-nodejs')

const KINDS = {
  OKP: { multikey: 'ed25519-multikey', suite: 'eddsa-rdfc-2022-cryptosuite', algorithm: 'EdDSA' },
  EC: { multikey: 'ecdsa-multikey', suite: 'ecdsa-rdfc-2019-cryptosuite', algorithm: 'ES256' },
}

const { issuer, key, credentialStatus, status } = given()
const kind = KINDS[key.jwk.kty]

async function credential() {
  const { fromJwk } = await load(`@digitalbazaar/${kind.multikey}`)
  const { cryptosuite } = await load(`@digitalbazaar/${kind.suite}`)
  const pair = await fromJwk({ jwk: key.jwk, secretKey: true, id: key.id, controller: issuer })
  const document = {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    type: ['VerifiableCredential'],
    issuer,
    credentialSubject: { id: 'did:example:graduate', name: 'Bachelor of Arts' },
    credentialStatus,
  }
  return vc.issue({ credential: document, suite: new DataIntegrityProof({ signer: pair.signer(), cryptosuite }) })
}

async function sdJwt() {
  const signer = async (data) => {
    const privateKey = createPrivateKey({ key: key.jwk, format: 'jwk' })
    const options = { key: privateKey, dsaEncoding: 'ieee-p1363' }
    return sign(kind.algorithm === 'EdDSA' ? null : 'sha256', Buffer.from(data), options).toString('base64url')
  }
  const config = { signer, signAlg: kind.algorithm, hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt }
  const claims = { iss: issuer, iat: Math.floor(Date.now() / 1_000), vct: 'https://issuer.example/degree', degree: 'BA', status }
  const header = { kid: `${key.id}-jwk` }
  return new SDJwtVcInstance(config).issue(claims, { _sd: ['degree'] }, { header })
}

const issued = {}
if (credentialStatus) issued.credential = await credential()
if (status) issued.sdJwt = await sdJwt()
console.log(JSON.stringify(issued))
