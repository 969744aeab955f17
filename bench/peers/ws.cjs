// Express 4 and ws 8, the stack of sephsplace, doing the same work as placed and no more: it checks and numbers edits,
// sends them to everybody, and answers; it logs nothing. Express runs as fast as it can: no ETags, plain query parser.
//
//     node ws.cjs FOLDER IMAGE     FOLDER has node_modules; IMAGE is served from memory. Prints its address.
'use strict';
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const http = require('node:http');

const load = createRequire(`${process.argv[2]}/`);
const express = load('express');
const { WebSocketServer } = load('ws');
const image = readFileSync(process.argv[3]);

const app = express();
app.disable('etag');
app.disable('x-powered-by');
app.set('query parser', 'simple');
const server = http.createServer(app);
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
let version = 0;

app.post('/edit', (request, response) => {
  const { x, y, color } = request.query;
  for (const value of [x, y, color]) {
    if (!/^\d{1,4}$/.test(value)) {
      response.sendStatus(400);
      return;
    }
  }
  version += 1;
  const code = Buffer.from([x & 255, (x >> 8) | ((y & 63) << 2), (y >> 6) | (color << 4)]).toString('base64');
  const frame = `id: ${version}\ndata: ${code}\n\n`;
  for (const socket of sockets.clients) socket.send(frame);
  response.json({ v: version });
});

const tag = '"1"';
app.get('/canvas.png', (request, response) => {
  response.set('ETag', tag);
  if (request.headers['if-none-match'] === tag) {
    response.status(304).end();
    return;
  }
  response.set('Content-Type', 'image/png');
  response.set('Content-Length', String(image.length));
  response.end(image);
});

server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', 4096, () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
