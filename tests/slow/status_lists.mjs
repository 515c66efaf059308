// What others' libraries read in status lists of ours. Takes JSON on standard input, and prints statuses in the order
// asked for; a list that does not verify is an error.
//   origin: what the URLs of lists begin with, and where DID documents are; served: where lists are fetched instead
//   issuer: whose lists they are; asked: [{ form: media type of the list, entry: what the credential carries of it }]

import assert from 'node:assert/strict'
import { given, load, suites, Verifier } from './status_libraries.mjs'

const { checkStatus, decodeList } = await load('@digitalbazaar/vc-bitstring-status-list')
const { compactVerify, jwtVerify } = await load('jose')
const { StatusList, getListFromStatusListJWT } = await load('@sd-jwt/jwt-status-list')
const { Sign1 } = await load('@auth0/cose')
const { Decoder } = await load('cbor-x')

// Labels of COSE headers and of CWT claims.
const TYP = 16
const [SUB, EXP, IAT, STATUS_LIST, TTL] = [2, 4, 6, 65_533, 65_534]

const { origin, served, issuer, asked } = given()
const verifier = new Verifier({ origin, served })
const { documentLoader } = verifier

const readers = {
  'application/vc': async (entry) => {
    const credential = { '@context': ['https://www.w3.org/ns/credentials/v2'], issuer, credentialStatus: entry }
    const { verified, results, error } = await checkStatus({ credential, suite: suites, documentLoader })
    assert.ok(verified, error?.cause ?? error)
    return Number(results[0].status)
  },

  'application/vc+jwt': async (entry) => {
    const token = await verifier.bytes(entry.statusListCredential, 'application/vc+jwt')
    const { payload, protectedHeader } = await compactVerify(token, verifier.jwk)
    const credential = JSON.parse(new TextDecoder().decode(payload))
    assert.equal(protectedHeader.typ, 'vc+jwt')
    assert.deepEqual([credential.id, credential.issuer], [entry.statusListCredential, issuer])
    assert.equal(credential.credentialSubject.statusPurpose, entry.statusPurpose)
    const list = await decodeList(credential.credentialSubject)
    return Number(list.getStatus(Number(entry.statusListIndex)))
  },

  'application/statuslist+jwt': async ({ idx, uri }) => {
    const token = new TextDecoder().decode(await verifier.bytes(uri, 'application/statuslist+jwt'))
    const expected = { typ: 'statuslist+jwt', subject: uri, requiredClaims: ['iat', 'exp', 'ttl'] }
    await jwtVerify(token, verifier.jwk, expected)
    return getListFromStatusListJWT(token).getStatus(idx)
  },

  'application/statuslist+cwt': async ({ idx, uri }) => {
    const message = await verifier.bytes(uri, 'application/statuslist+cwt')
    assert.equal(message[0], 0xd2, 'tagged as COSE_Sign1, and not as a CWT before')
    const signed = Sign1.decode(message)
    await signed.verify(verifier.coseKey)
    assert.equal(signed.protectedHeaders.get(TYP), 'application/statuslist+cwt')
    const claims = new Decoder({ mapsAsObjects: false }).decode(signed.payload)
    const now = Date.now() / 1_000
    assert.equal(claims.get(SUB), uri)
    assert.ok(claims.get(IAT) <= now && now < claims.get(EXP) && claims.get(TTL) > 0)
    const list = claims.get(STATUS_LIST)
    const compressed = Buffer.from(list.get('lst')).toString('base64url')
    return StatusList.decompressStatusList(compressed, list.get('bits')).getStatus(idx)
  },
}

const statuses = []
for (const { form, entry } of asked) statuses.push(await readers[form](entry))
console.log(JSON.stringify(statuses))
