// An issuer's service, with others' libraries alone: one credential in every form that they can make. Takes JSON on
// standard input, and prints the credentials by their forms.
//   { issuer, key: { id, jwk }, type, vct, contexts: { url: document }, entries: { form: entry }, binding: { nonce, audience } }
// An entry is put in as it was handed out: here nobody knows what it means.

import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { given, load } from './status_libraries.mjs'

const vc = await load('@digitalbazaar/vc')
const { DataIntegrityProof } = await load('@digitalbazaar/data-integrity')
const { CompactSign, importJWK } = await load('jose')
const { SDJwtVcInstance } = await load('@sd-jwt/sd-jwt-vc')
const { digest, generateSalt } = await load('@sd-jwt/crypto-nodejs')

const KINDS = {
  OKP: { multikey: 'ed25519-multikey', suites: ['eddsa-rdfc-2022', 'eddsa-jcs-2022'], algorithm: 'EdDSA' },
  EC: { multikey: 'ecdsa-multikey', suites: ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019'], algorithm: 'ES256' },
}
const V1 = 'https://www.w3.org/2018/credentials/v1'
const V2 = ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2']

const { issuer, key, type, vct, contexts, entries, binding } = given()
const { multikey, suites, algorithm } = KINDS[key.jwk.kty]
const now = Math.floor(Date.now() / 1_000)
const documentLoader = async (url) => ({ contextUrl: null, documentUrl: url, document: contexts[url] })

const credential = (form) => ({
  '@context': V2,
  type: ['VerifiableCredential', type],
  issuer,
  validFrom: new Date(1_000 * now).toISOString().replace('.000', ''),
  credentialSubject: { id: 'did:example:graduate', name: 'Bachelor of Arts' },
  credentialStatus: entries[form],
})

async function withProof(suite) {
  const { fromJwk } = await load(`@digitalbazaar/${multikey}`)
  const { cryptosuite, createSignCryptosuite } = await load(`@digitalbazaar/${suite}-cryptosuite`)
  const pair = await fromJwk({ jwk: key.jwk, secretKey: true, id: key.id, controller: issuer })
  const proof = new DataIntegrityProof({ signer: pair.signer(), cryptosuite: cryptosuite ?? createSignCryptosuite() })
  return vc.issue({ credential: credential('application/vc'), suite: proof, documentLoader })
}

async function jwt(typ, claims) {
  const payload = new TextEncoder().encode(JSON.stringify(claims))
  const header = { alg: algorithm, typ, kid: `${key.id}-jwk` }
  return new CompactSign(payload).setProtectedHeader(header).sign(await importJWK(key.jwk, algorithm))
}

function formerClaims() {
  const { type, credentialSubject, credentialStatus } = credential('jwt_vc_json')
  return { iss: issuer, nbf: now, vc: { '@context': [V1], type, credentialSubject, credentialStatus } }
}

const signerOf = (privateKey, hash) => async (data) =>
  sign(hash, Buffer.from(data), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')

// With a disclosure, and what the holder signs for a verifier.
async function sdJwt() {
  const holder = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = createPrivateKey({ key: key.jwk, format: 'jwk' })
  const instance = new SDJwtVcInstance({
    signer: signerOf(own, algorithm === 'EdDSA' ? null : 'sha256'),
    signAlg: algorithm,
    kbSigner: signerOf(holder.privateKey, 'sha256'),
    kbSignAlg: 'ES256',
    hasher: digest,
    hashAlg: 'sha-256',
    saltGenerator: generateSalt,
  })
  const cnf = { jwk: holder.publicKey.export({ format: 'jwk' }) }
  const claims = { iss: issuer, iat: now, vct, cnf, name: 'Bachelor of Arts', ...entries['dc+sd-jwt'] }
  const issued = await instance.issue(claims, { _sd: ['name'] }, { header: { kid: `${key.id}-jwk` } })
  const kb = { payload: { iat: now, aud: binding.audience, nonce: binding.nonce } }
  return instance.present(issued, { name: true }, { kb })
}

const issued = {
  'application/vc+jwt': await jwt('vc+jwt', credential('application/vc+jwt')),
  jwt_vc_json: await jwt('JWT', formerClaims()),
  'dc+sd-jwt': await sdJwt(),
}
for (const suite of suites) issued[suite] = await withProof(suite)
console.log(JSON.stringify(issued))
