// What others' libraries read in status lists of ours. Takes JSON on standard input, and prints statuses in the order
// asked for; a list that does not verify is an error.
//   origin: what the URLs of lists begin with, and where DID documents are; served: where lists are fetched instead
//   issuer: whose lists they are; asked: [{ form: media type of the list, entry: what the credential carries of it }]

import assert from 'node:assert/strict'
import { given, load, suites, Verifier } from './status_libraries.mjs'

const { checkStatus, decodeList } = await load('@digitalbazaar/vc-bitstring-status-list')
const { compactVerify } = await load('jose')

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
}

const statuses = []
for (const { form, entry } of asked) statuses.push(await readers[form](entry))
console.log(JSON.stringify(statuses))
