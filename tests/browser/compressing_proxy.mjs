/**
 * A proxy that compresses all answers, like `express` with `compression`: it holds data back until there is enough to
 * compress, or the answer ends. For `test_polling.py`.
 *
 *     arguments          the port of the server, on 127.0.0.1
 *     standard output    the proxy's own port
 */

import { createServer, request } from 'node:http'
import { pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'

const server = createServer((asked, answer) => {
  const { method, url, headers } = asked
  const passed = request({ port: Number(process.argv[2]), method, path: url, headers: { ...headers, 'accept-encoding': 'identity' } })
  passed.on('response', (given) => {
    const { 'content-length': _, 'transfer-encoding': __, ...kept } = given.headers
    answer.writeHead(given.statusCode ?? 500, { ...kept, 'content-encoding': 'gzip' })
    pipeline(given, createGzip(), answer, () => passed.destroy())
  })
  passed.on('error', () => answer.destroy())
  asked.pipe(passed)
})
server.listen(0, '127.0.0.1', () => console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port))
