#!/usr/bin/env bash
# One would have sworn: what a target says first (SSH, SMTP, FTP and MySQL all do) reaches the application, also where the proxy's
#   positive reply and those bytes come in one segment; a client that reads beyond the reply gives the rest back to the stream, as Node's
#   own http does with `head`.
# What happens: socks emits the rest once as a 'data' event in the tick behind 'established', past the stream's buffer. Who reads by an
#   async iterator, by 'readable', or subscribes a moment later never sees it. https-proxy-agent, asked for a plain connection, drops the
#   rest for everybody. A gap between the reply and the bytes hides it, so it comes and goes with the load.
# Version: socks 2.8.10, https-proxy-agent 9.1.0, Node 20.
# Source: socks, src/client/socksclient.ts, the listener of 'established': socket.emit('data', excessData); https-proxy-agent,
#   src/index.ts, connect(): `buffered` of parseProxyResponse() is used only where the status is not 200. RFC 1928 section 6, RFC 9110
#   section 9.3.6: the tunnel starts right behind the reply.
# Seen: below; "-" is nothing within half a second.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
npm install --silent --no-audit --no-fund --prefix . socks@2.8.10 https-proxy-agent@9.1.0 >/dev/null

cat > clients.mjs <<'EOF'
import { EventEmitter } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksClient } from 'socks';

const banner = 'SSH-2.0-x\r\n';

// A proxy that answers each message with the next reply and sends the target's banner behind the last one, with a gap or without.
const proxy = (replies, gap) => new Promise(resolve => {
    const server = net.createServer(socket => {
        const rest = [...replies];
        socket.setNoDelay().on('error', () => { }).on('data', () => {
            const reply = rest.shift();
            if (rest.length > 0) socket.write(reply);
            else if (gap) { socket.write(reply); setTimeout(() => socket.write(banner), 100); }
            else socket.write(Buffer.concat([reply, Buffer.from(banner)]));
        });
    }).listen(0, '127.0.0.1', () => resolve(server.address().port));
});

const readers = {
    data: socket => new Promise(resolve => socket.once('data', resolve)),
    readable: socket => new Promise(resolve => socket.on('readable', () => { const bytes = socket.read(); if (bytes) resolve(bytes); })),
    iterator: async socket => { for await (const bytes of socket) return bytes; },
};

const clients = {
    'socks': async port => (await SocksClient.createConnection({
        proxy: { host: '127.0.0.1', port, type: 5 }, command: 'connect', destination: { host: '192.0.2.1', port: 22 } })).socket,
    'https-proxy-agent': async port => {
        const request = new EventEmitter();
        const agent = new HttpsProxyAgent(`http://127.0.0.1:${port}`);
        const socket = await agent.connect(request, { host: '192.0.2.1', port: 22, secureEndpoint: false });
        request.emit('socket', socket);
        return socket;
    },
    "node's http": port => new Promise(resolve => http.request({ host: '127.0.0.1', port, method: 'CONNECT', path: '192.0.2.1:22' })
        .on('connect', (response, socket, head) => { if (head.length > 0) socket.unshift(head); resolve(socket); }).end()),
};
const socksReplies = [Buffer.from([5, 0]), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])];
const httpReplies = [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')];

for (const [name, connect] of Object.entries(clients)) {
    for (const gap of [true, false]) {
        const seen = [];
        for (const [how, read] of Object.entries(readers)) {
            const socket = await connect(await proxy(name === 'socks' ? socksReplies : httpReplies, gap));
            const bytes = await Promise.race([read(socket), new Promise(resolve => setTimeout(resolve, 500))]);
            seen.push(`${how} ${bytes ? bytes.toString().trim() : '-'}`);
            socket.destroy();
        }
        console.log(`${name}, ${gap ? 'with a gap' : 'in one segment'}=${seen.join(', ')}`);
    }
}
process.exit(0);
EOF
node clients.mjs >seen
all='data SSH-2.0-x, readable SSH-2.0-x, iterator SSH-2.0-x'
seen_of() { sed -n "s/^$1=//p" seen; }
for client in socks https-proxy-agent "node's http"; do expect "$client, with a gap" "$all" "$(seen_of "$client, with a gap")"; done
expect "node's http, in one segment" "$all" "$(seen_of "node's http, in one segment")"
expect "socks, in one segment" 'data SSH-2.0-x, readable -, iterator -' "$(seen_of 'socks, in one segment')"
expect "https-proxy-agent, in one segment" 'data -, readable -, iterator -' "$(seen_of 'https-proxy-agent, in one segment')"
