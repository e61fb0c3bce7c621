// Registers as `node-service` and calls `python-service` by its VIP. Prints one JSON line each time it is asked on its
// standard input: `call` (what python-service answered), `list` (the ids known by VIP), `stop`.
'use strict';

const http = require('node:http');
const readline = require('node:readline');
const { Eureka } = require('eureka-js-client');

const [registryPort, ownPort, vip] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

http.createServer((request, response) => response.end('hello from node')).listen(ownPort, '127.0.0.1');

const quiet = () => {};
const client = new Eureka({
  logger: { debug: quiet, info: quiet, warn: console.error, error: console.error },
  instance: {
    app: 'node-service',
    instanceId: `127.0.0.1:node-service:${ownPort}`,
    hostName: '127.0.0.1',
    ipAddr: '127.0.0.1',
    statusPageUrl: `http://127.0.0.1:${ownPort}/info`,
    port: { $: ownPort, '@enabled': 'true' },
    vipAddress: 'node-service',
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 3 },
    metadata: { 'prometheus.io/scrape': 'true' },
  },
  eureka: {
    host: '127.0.0.1',
    port: registryPort,
    servicePath: '/eureka/apps/',
    heartbeatInterval: 1000,
    registryFetchInterval: 500,
    fetchMetadata: false,
  },
});

function callByVip() {
  const [found] = client.getInstancesByVipAddress(vip);
  if (!found) return say({ error: 'nobody' });
  return http.get({ host: found.hostName, port: found.port.$, path: '/' }, (answer) => {
    let text = '';
    answer.on('data', (piece) => { text += piece; });
    answer.on('end', () => say({ text, metadata: found.metadata }));
  }).on('error', (error) => say({ error: error.message }));
}

client.start((error) => {
  say(error ? { error: String(error) } : { started: true });
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    if (line === 'call') callByVip();
    if (line === 'list') say({ ids: client.getInstancesByVipAddress(vip).map((each) => each.instanceId) });
    if (line === 'stop') client.stop((failed) => { say({ stopped: !failed }); process.exit(0); });
  });
});
