// The registry's dashboard. Everything shown comes from instances, so it is set as text, never as markup.
'use strict';

const element = (id) => document.getElementById(id);

/** A table row whose cells carry their column's name, for narrow screens. */
function makeRow(names) {
  const line = document.createElement('tr');
  for (const name of names) {
    const place = document.createElement('td');
    place.dataset.name = name;
    line.append(place);
  }
  return line;
}

/** Sets text and style where they are others: what did not change is not announced again. */
function put(place, text, style = '') {
  if (place.textContent !== text) place.textContent = text;
  if (place.className !== style) place.className = style;
}

async function setStatus(instance, status) {
  let trouble = '';
  try {
    const answer = await fetch('/registry/status', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ app: instance.app, id: instance.id, status }),
    });
    if (!answer.ok) trouble = `The registry refused (${answer.status}): ${(await answer.json()).detail ?? ''}`;
  } catch (reason) {
    trouble = `The registry does not answer: ${reason.message}`;
  }
  put(element('trouble'), trouble);
  await show();
}

/** By an operator, or by its own word: it may have registered so. */
const isDrained = (instance) => [instance.status, instance.overriddenStatus].includes('OUT_OF_SERVICE');

const columns = ['Service', 'Instance', 'Address', 'Zone', 'Status', 'Last heartbeat', 'Lease', 'Action'];
const lines = new Map();  // Rows are kept from one look to the next, so that the focus stays where it is.

function makeLine() {
  const line = { row: makeRow(columns), button: document.createElement('button') };
  line.button.type = 'button';
  line.button.addEventListener('click',
    () => setStatus(line.instance, isDrained(line.instance) ? 'UP' : 'OUT_OF_SERVICE'));
  line.row.lastChild.append(line.button);
  return line;
}

function fill(line, instance) {
  line.instance = instance;
  const [app, id, address, zone, status, heartbeat, lease] = line.row.children;
  put(app, instance.app);
  put(id, instance.id);
  put(address, `${instance.host}:${instance.port}`);
  put(zone, instance.zone);
  put(status, instance.status, instance.status === 'UP' ? 'up' : 'down');
  put(heartbeat, `${instance.secondsSinceHeartbeat.toFixed(0)} s ago${instance.late ? ', late' : ''}`,
    instance.late ? 'late' : '');
  put(lease, `every ${instance.renewalSeconds} s, ends after ${instance.durationSeconds} s`);
  put(line.button, isDrained(instance) ? 'Return to service' : 'Drain');
  line.button.setAttribute('aria-label', `${line.button.textContent}: ${instance.id}`);
}

function showInstances(instances) {
  const keyOf = (instance) => JSON.stringify([instance.app, instance.id]);
  const present = new Set(instances.map(keyOf));
  for (const [key, line] of lines) {
    if (present.has(key)) continue;
    line.row.remove();
    lines.delete(key);
  }
  const body = element('instances');
  instances.forEach((instance, index) => {
    const key = keyOf(instance);
    if (!lines.has(key)) lines.set(key, makeLine());
    const line = lines.get(key);
    fill(line, instance);
    if (body.children[index] !== line.row) body.insertBefore(line.row, body.children[index] ?? null);
  });
  element('no-instances').hidden = instances.length > 0;
}

function showPeers(peers) {
  element('peers').replaceChildren(...peers.map((peer) => {
    const item = document.createElement('li');
    put(item, `${peer.url}: ${peer.reached ? 'reached' : 'away'}, ${peer.sent} sent, ` +
      `${peer.waiting} waiting, ${peer.errors} errors ${peer.trouble}`, peer.reached ? '' : 'late');
    return item;
  }));
  element('no-peers').hidden = peers.length > 0;
}

function showHistory(entries) {
  element('history').replaceChildren(...entries.map((entry) => {
    const line = makeRow(['When', 'Service', 'Instance', 'What', 'Why']);
    const at = entry.at.replace('T', ' ').replace(/\.\d+Z$/, '');
    [at, entry.app, entry.id, entry.what, entry.why].forEach((text, i) => put(line.children[i], text));
    return line;
  }));
}

async function fetchJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function show() {
  const [state, history] = await Promise.all([fetchJson('/registry/state'), fetchJson('/registry/history')]);
  const up = state.instances.filter((instance) => instance.status === 'UP').length;
  put(element('summary'), `${state.instances.length} instances, ${up} of them up; ` +
    `${state.renewalsLastMinute} heartbeats in the last whole minute, ${state.expectedPerMinute} expected; ` +
    `${state.evictions} evictions`);
  const active = state.selfPreservation.active;
  put(element('preservation'), `${active ? 'Active' : 'Not active'}: ${state.selfPreservation.reason}`,
    active ? 'preserving' : '');
  showInstances(state.instances);
  showPeers(state.peers);
  showHistory(history.entries);
  element('content').className = '';
}

async function refresh() {
  try {
    await show();
  } catch (reason) {
    put(element('summary'), `The registry does not answer; below is what it said last. (${reason.message})`, 'late');
    element('content').className = 'stale';
  }
  setTimeout(refresh, 2000);
}

refresh();
