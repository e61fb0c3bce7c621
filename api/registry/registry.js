// The registry's dashboard. Everything shown comes from instances, so it is set as text, never as markup.
'use strict';

const element = (id) => document.getElementById(id);

function row(cells) {
  const line = document.createElement('tr');
  for (const cell of cells) {
    const place = document.createElement('td');
    if (cell instanceof Node) place.append(cell);
    else place.textContent = cell;
    line.append(place);
  }
  return line;
}

function marked(text, style) {
  const span = document.createElement('span');
  span.textContent = text;
  if (style) span.className = style;
  return span;
}

async function setStatus(instance, status) {
  const answer = await fetch('/registry/status', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ app: instance.app, id: instance.id, status }),
  });
  element('trouble').textContent = answer.ok ? '' : `The registry refused: ${answer.status}`;
  await show();
}

function action(instance) {
  const button = document.createElement('button');
  const drained = instance.overriddenStatus === 'OUT_OF_SERVICE';
  button.type = 'button';
  button.textContent = drained ? 'Return to service' : 'Drain';
  button.setAttribute('aria-label', `${button.textContent}: ${instance.id}`);
  button.addEventListener('click', () => setStatus(instance, drained ? 'UP' : 'OUT_OF_SERVICE'));
  return button;
}

async function show() {
  const [state, history] = await Promise.all(
    ['/registry/state', '/registry/history'].map(async (path) => (await fetch(path)).json()));
  element('summary').textContent = `${state.instances.length} instances, ` +
    `${state.renewalsLastMinute} heartbeats in the last minute (${state.expectedPerMinute} expected), ` +
    `${state.evictions} evictions`;
  const preservation = element('preservation');
  preservation.textContent = (state.selfPreservation.active ? 'Active: ' : 'Not active: ') +
    state.selfPreservation.reason;
  preservation.className = state.selfPreservation.active ? 'preserving' : '';
  element('instances').replaceChildren(...state.instances.map((instance) => row([
    instance.app, instance.id, `${instance.host}:${instance.port}`, instance.zone,
    marked(instance.status, instance.status === 'UP' ? 'up' : ''),
    marked(`${instance.secondsSinceHeartbeat.toFixed(0)} s ago`, instance.late ? 'late' : ''),
    `every ${instance.renewalSeconds} s, ends after ${instance.durationSeconds} s`, action(instance)])));
  element('peers').replaceChildren(...state.peers.map((peer) => {
    const item = document.createElement('li');
    item.textContent = `${peer.url}: ${peer.reached ? 'reached' : 'away'}, ${peer.sent} sent, ` +
      `${peer.waiting} waiting, ${peer.errors} errors ${peer.trouble}`;
    return item;
  }));
  element('history').replaceChildren(...history.entries.map((entry) => row([
    entry.at, entry.app, entry.id, entry.what, entry.why])));
}

async function refresh() {
  try {
    await show();
  } catch (reason) {
    element('summary').textContent = `The registry does not answer: ${reason.message}`;
  }
  setTimeout(refresh, 2000);
}

refresh();
