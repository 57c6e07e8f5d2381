// @ts-check
// One plain page: who may look signs in, chooses, and sees one page's heatmap, kept fresh.

/** Widths at which pages are shown, by device: what a usual window of that device has. */
const WIDTH_PX = { desktop: 1440, tablet: 834, mobile: 390 };
/** Wide windows are mostly empty at both sides, narrow ones are filled: that is how other widths are fitted in. */
const ALIGN = { desktop: 'center', tablet: 'scale', mobile: 'scale' };
const REFRESH_MS = 1_000;
const TOP_PAGES = 20;

/** @template {HTMLElement | SVGElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {any} */ (document.getElementById(id));
const state = element('state');
const signIn = element('sign-in');
const board = element('board');
const signOut = element('sign-out');
/** @type {HTMLSelectElement} */ const site = element('site');
/** @type {HTMLSelectElement} */ const kind = element('kind');
/** @type {HTMLSelectElement} */ const device = element('device');
/** @type {HTMLSelectElement} */ const days = element('days');
/** @type {HTMLInputElement} */ const behind = element('behind');
/** @type {HTMLImageElement} */ const picture = element('picture');
/** @type {HTMLIFrameElement} */ const frame = element('page');
const stage = element('stage');
const sheet = element('sheet');
const depth = element('depth');

let token = '';
/** The page that is shown, as answers name it. */
let page = '';
/** Raised by every choice, so that an answer to an older one is thrown away. */
let choice = 0;
/** What the picture was drawn from. */
let drawn = '';

/** What went wrong, said by the server or by the network. */
class Refused extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks the server. The browser keeps the last answer and its ETag, so that asking again for what has not changed costs a 304.
 * @param {string} path @param {Record<string, string | number>} [query]
 */
async function ask(path, query = {}) {
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await fetch(`${path}?${asked}`, { headers: { authorization: `Bearer ${token}` }, cache: 'no-cache' });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(problem.detail ?? `The server answered ${answer.status}.`, answer.status);
  }
  return answer;
}

/** @param {string} what @param {Record<string, string | number>} query */
const askSite = (what, query) => ask(`/v1/sites/${encodeURIComponent(site.value)}/${what}`, query);

/** The days that are chosen, by the server's calendar of the site: from today backwards. */
function span() {
  const day = 86_400_000;
  const text = (/** @type {number} */ ms) => new Date(ms).toISOString().slice(0, 10);
  // A day more at both ends: where the site's day is not the one here, nothing of today is cut off.
  return { from: text(Date.now() - (Number(days.value) - 1) * day), to: text(Date.now() + 2 * day) };
}

/** @param {string} text */
function say(text) {
  state.textContent = text;
}

/** @param {unknown} error */
function complain(error) {
  if (error instanceof Refused && error.status === 401) return leave('That token is not valid here.');
  say(error instanceof Refused ? error.message : 'The server cannot be reached; trying again.');
}

/** @param {string} why */
function leave(why) {
  token = '';
  sessionStorage.removeItem('token');
  board.hidden = signOut.hidden = true;
  signIn.hidden = false;
  say(why);
}

async function enter() {
  /** @type {{ sites: { site: string }[] } | { site: string }[]} */
  const listed = await (await ask('/v1/sites', { limit: 1000 })).json();
  const sites = Array.isArray(listed) ? listed : listed.sites;
  site.replaceChildren(...sites.map((each) => new Option(each.site, each.site)));
  sessionStorage.setItem('token', token);
  signIn.hidden = true;
  board.hidden = signOut.hidden = false;
  say(sites.length ? '' : 'There is no site that this token may see.');
  if (sites.length) await choose();
}

/** After a choice: the page list first, then the picture. */
async function choose() {
  const mine = ++choice;
  drawn = '';
  await showPages(mine);
  await refresh(mine);
}

/** @param {number} mine */
async function showPages(mine) {
  const query = { kind: kind.value, device: device.value, fixed: 'any', limit: TOP_PAGES, ...span() };
  /** @type {{ page: string, count: number }[]} */
  const pages = await (await askSite('pages', query)).json();
  if (mine !== choice) return;
  if (!pages.some((each) => each.page === page)) page = pages[0]?.page ?? '';
  const list = element('pages');
  list.replaceChildren(...pages.map((each) => {
    const button = document.createElement('button');
    const name = document.createElement('span');
    const count = document.createElement('b');
    name.textContent = each.page;
    count.textContent = each.count.toLocaleString();
    button.append(name, count);
    button.setAttribute('aria-current', String(each.page === page));
    button.addEventListener('click', () => {
      page = each.page;
      choose().catch(complain);
    });
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
  element('page-title').textContent = page || 'Nothing of this kind on these days';
}

/** @param {number} mine */
async function refresh(mine) {
  if (!page) {
    picture.hidden = frame.hidden = depth.hidden = true;
    element('chart').replaceChildren();
    element('chart-words').textContent = '';
    return;
  }
  await Promise.all([showChart(mine), kind.value === 'scroll' ? showDepth(mine) : showPicture(mine)]);
  if (mine === choice) say('');
}

/** @param {number} mine */
async function showChart(mine) {
  const query = { page, kind: kind.value, fixed: 'any', device: device.value, step: 'day', ...span() };
  /** @type {{ time: string, count: number }[]} */
  const steps = await (await askSite('series', query)).json();
  if (mine !== choice) return;
  const most = Math.max(1, ...steps.map((step) => step.count));
  const first = Date.parse(query.from);
  const width = 900 / Math.max(1, (Date.parse(query.to) - first) / 86_400_000);
  element('chart').replaceChildren(...steps.map((step) => {
    const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    const height = Math.max(1, (step.count / most) * 86);
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    title.textContent = `${step.time}: ${step.count.toLocaleString()}`;
    const box = { x: ((Date.parse(step.time) - first) / 86_400_000) * width, y: 90 - height, width: width * 0.85, height };
    for (const [name, value] of Object.entries(box)) bar.setAttribute(name, String(value));
    bar.append(title);
    return bar;
  }));
  const total = steps.reduce((sum, step) => sum + step.count, 0);
  element('chart-words').textContent = `${total.toLocaleString()} events; most on one day: ${most.toLocaleString()}.`;
}

/** @param {number} mine */
async function showPicture(mine) {
  const width = WIDTH_PX[/** @type {keyof typeof WIDTH_PX} */ (device.value)];
  const align = ALIGN[/** @type {keyof typeof ALIGN} */ (device.value)];
  const query = { page, kind: kind.value, device: device.value, fixed: 'any', align, width, format: 'png', ...span() };
  const answer = await askSite('grid', query);
  const tag = `${answer.headers.get('etag')} ${site.value} ${page} ${device.value}`;
  if (mine !== choice || tag === drawn) return;
  const bitmap = await answer.blob();
  if (mine !== choice) return;
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(bitmap);
  await picture.decode();
  drawn = tag;
  depth.hidden = true;
  stage.hidden = picture.hidden = false;
  // A pixel of the picture is a pixel of the page, or a whole number of them: its width says which.
  picture.style.width = `${width}px`;
  const height = Math.max(600, Math.round((picture.naturalHeight / picture.naturalWidth) * width));
  showBehind(width, height);
  fit(width, height);
}

/** @param {number} width @param {number} height */
function showBehind(width, height) {
  frame.hidden = !behind.checked;
  if (frame.hidden) return;
  const address = `${page.startsWith(location.host) ? location.protocol : 'https:'}//${page}`;
  if (frame.src !== address) frame.src = address;
  frame.style.width = `${width}px`;
  frame.style.height = `${height}px`;
}

/** @param {number} width @param {number} height */
function fit(width, height) {
  const scale = Math.min(1, stage.clientWidth / width);
  sheet.style.transform = `scale(${scale})`;
  sheet.style.width = `${width}px`;
  sheet.style.height = `${height}px`;
  stage.style.height = `${height * scale}px`;
}

/** @param {number} mine */
async function showDepth(mine) {
  const answer = await (await askSite('scroll', { page, device: device.value, ...span() })).json();
  if (mine !== choice) return;
  stage.hidden = true;
  depth.hidden = false;
  /** @type {number[]} */
  const reached = answer.reached ?? [];
  const step = Math.max(1, Math.ceil(reached.length / 40));
  depth.replaceChildren(...reached.filter((_, row) => row % step === 0).map((count, index) => {
    const line = document.createElement('div');
    const label = document.createElement('span');
    const meter = document.createElement('meter');
    label.textContent = `${(index * step * 8).toLocaleString()} px`;
    meter.max = reached[0] || 1;
    meter.value = count;
    meter.title = count.toLocaleString();
    line.append(label, meter);
    return line;
  }));
}

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  token = /** @type {HTMLInputElement} */ (element('token')).value.trim();
  enter().catch(complain);
});
signOut.addEventListener('click', () => leave(''));
for (const each of [site, kind, device, days]) each.addEventListener('change', () => choose().catch(complain));
behind.addEventListener('change', () => {
  drawn = '';
  refresh(choice).catch(complain);
});
addEventListener('resize', () => {
  if (!picture.hidden) fit(parseInt(sheet.style.width), parseInt(sheet.style.height));
});

/** Keeps what is shown fresh, while somebody looks. */
async function live() {
  let pagesIn = 0;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    if (document.hidden || board.hidden || !site.value) continue;
    try {
      if (pagesIn-- <= 0) {
        await showPages(choice);
        pagesIn = 4;
      }
      await refresh(choice);
    } catch (error) {
      complain(error);
    }
  }
}

// The demo's address carries the token behind the `#`, which no server is sent.
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) history.replaceState(null, '', location.pathname);
token = given ?? sessionStorage.getItem('token') ?? '';
if (token) enter().catch(complain);
else signIn.hidden = false;
live();
