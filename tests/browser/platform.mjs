// Processes of ours and fake instances, for the browser tests.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { once } from 'node:events';

export const binary = process.env.MARKET_BINARY ??
  fileURLToPath(new URL('../../build/release/market', import.meta.url));
const patience = Number(process.env.MARKET_PATIENCE ?? 1);

export async function until(condition, seconds) {
  const end = Date.now() + seconds * 1000 * patience;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${condition}`);
    await new Promise((wake) => { setTimeout(wake, 50); });
  }
}

export const adminAccount = { email: 'admin@market.example', password: 'the operators own passphrase' };

/** One `market serve` on a port that the system picks, unless it is to have the one that it had before. */
export class Server {
  static async start(options, listen = '127.0.0.1:0') {
    const server = new Server();
    server.process = spawn(binary, ['serve', '--listen', listen, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MARKET_ADMIN_EMAIL: adminAccount.email, MARKET_ADMIN_PASSWORD: adminAccount.password },
    });
    server.log = '';
    server.process.stderr.on('data', (bytes) => { server.log += bytes; });
    const lines = createInterface({ input: server.process.stdout });
    const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    const found = /http:\/\/\S+?:\d+/.exec(line ?? '');
    if (!found) throw new Error(`the server does not start: ${line} ${server.log}`);
    server.url = found[0];
    return server;
  }

  get address() {
    return this.url.replace('http://', '');
  }

  async kill() {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
  }

  async json(path) {
    return (await fetch(this.url + path)).json();
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    const alarm = setTimeout(() => this.process.kill('SIGKILL'), 20_000 * patience);
    await once(this.process, 'exit');
    clearTimeout(alarm);
  }
}

/** Somebody else's service, as its Eureka client shows it to the registry. */
export class FakeInstance {
  constructor(registry, app, id) {
    this.registry = registry;
    this.app = app;
    this.id = id;
    this.silent = false;
  }

  path() {
    return `${this.registry.url}/eureka/apps/${this.app}/${encodeURIComponent(this.id)}`;
  }

  async register(status = 'UP') {
    const instance = {
      instanceId: this.id,
      hostName: '127.0.0.1',
      app: this.app,
      ipAddr: '127.0.0.1',
      vipAddress: this.app.toLowerCase(),
      status,
      port: { $: 9000, '@enabled': 'true' },
      dataCenterInfo: {
        '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn',
      },
      leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 3 },
    };
    const answer = await fetch(`${this.registry.url}/eureka/apps/${this.app}`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ instance }),
    });
    if (answer.status !== 204) throw new Error(`not registered: ${answer.status}`);
  }

  async cancel() {
    await fetch(this.path(), { method: 'DELETE' });
  }

  renewForEver() {
    this.timer = setInterval(async () => {
      if (this.silent) return;
      const answer = await fetch(this.path(), { method: 'PUT' }).catch(() => null);
      if (answer?.status === 404) await this.register().catch(() => null);
    }, 500);
  }

  end() {
    clearInterval(this.timer);
  }
}
