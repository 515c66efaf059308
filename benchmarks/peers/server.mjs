// A rival: fastify with did-resolver. node server.mjs CACHE PORT; CACHE is "on" or "off" (did-resolver's default).
import fastify from 'fastify'
import { Resolver } from 'did-resolver'
import { getResolver as keyResolver } from 'key-did-resolver'
import { getResolver as webResolver } from 'web-did-resolver'

const [cache, port] = process.argv.slice(2)
const resolver = new Resolver({ ...keyResolver(), ...webResolver() }, { cache: cache === 'on' })
const app = fastify({ logger: false, routerOptions: { maxParamLength: 8192 } })

app.get('/', async () => ({}))
app.get('/1.0/identifiers/:did', async (request, reply) => {
  const result = await resolver.resolve(request.params.did)
  reply.code(result.didDocument === null ? 500 : 200)
  reply.header('content-type', 'application/did-resolution')
  return JSON.stringify(result)
})
app.listen({ host: '127.0.0.1', port: Number(port) })
