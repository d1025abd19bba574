import { Api } from './api.js';

const $ = (id) => document.getElementById(id);
const STORED_KEY = 'zsky-key';
const FRAMES_PER_SECOND = 24;
const SIZES = {
  image: [
    ['Square', 1024, 1024],
    ['Landscape', 1216, 832],
    ['Portrait', 832, 1216],
    ['Wide', 1536, 640],
    ['Small', 512, 512],
  ],
  video: [
    ['HD 720', 1280, 720],
    ['Wide 480', 832, 480],
    ['Square', 768, 768],
    ['Portrait', 720, 1280],
    ['Small', 512, 320],
  ],
};
const STAGES = {
  'prompt-check': 'Checking the prompt',
  text: 'Reading the prompt',
  denoise: 'Drawing',
  decode: 'Developing',
  upscale: 'Enlarging',
  sound: 'Making sound',
  'output-check': 'Checking the result',
  watermark: 'Marking',
  encode: 'Encoding',
  'read-back': 'Verifying',
  store: 'Storing',
};

let api;
let jobs = new Map();
let following = new Map();
let next;

// ---- small pieces ------------------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') made.className = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function track(value, label, colour = true) {
  const state = !colour ? '' : value >= 1 ? ' full' : value >= 0.8 ? ' near' : '';
  const fill = element('div');
  fill.style.setProperty('--value', String(Math.min(1, value)));
  const percent = String(Math.round(Math.min(1, value) * 100));
  return element(
    'div',
    {
      class: `track${state}`,
      role: 'progressbar',
      'aria-label': label,
      'aria-valuenow': percent,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
    },
    fill,
  );
}

const dollars = (cents) => `$${(cents / 100).toFixed(2)}`;
const say = (text) => {
  $('announce').textContent = text;
};

function ask({ title, text, yes, no = 'Cancel', code }) {
  $('confirm-title').textContent = title;
  $('confirm-text').textContent = text;
  $('confirm-yes').textContent = yes;
  $('confirm-no').textContent = no;
  $('confirm-no').hidden = no === undefined || no === '';
  $('confirm-code').hidden = code === undefined;
  $('confirm-code').textContent = code ?? '';
  const dialog = $('confirm');
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }),
  );
}

// ---- account -----------------------------------------------------------------------------------------------

function meter(name, used, limit) {
  const count = `${used.toLocaleString()} of ${limit.toLocaleString()}`;
  return element(
    'div',
    {},
    element('div', { class: 'meter-head' }, element('span', {}, name), element('span', {}, count)),
    track(limit === 0 ? 1 : used / limit, `${name}: ${count}`),
  );
}

function showAccount({ key, usage, today, active_jobs: active, overage, webhook_secret: secret }) {
  const month = new Date(`${usage.month_start}T00:00:00Z`);
  $('month').textContent = month.toLocaleDateString(undefined, {
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  $('bars').replaceChildren(
    meter('Films this month', usage.videos_used, usage.base_videos_allowance),
    meter('Pictures this month', usage.images_used, usage.base_images_allowance),
    meter(`Films today${today.lifted ? ' (cap lifted)' : ''}`, today.videos.used, today.videos.limit),
    meter(`Pictures today${today.lifted ? ' (cap lifted)' : ''}`, today.images.used, today.images.limit),
    meter('Jobs at once', active.used, active.limit),
  );
  const price = `${dollars(overage.cents_per_video)} a film, ${dollars(overage.cents_per_image)} a picture`;
  const cap = overage.monthly_cap_cents;
  $('overage-text').textContent =
    cap === null
      ? `Off: work stops at the allowance. Beyond it, ${price}. Unused budget is saved for later months.`
      : `${dollars(usage.overage_charged_cents)} spent this month, ${dollars(overage.remaining_cents)} left` +
        (overage.carried_cents > 0 ? ` (${dollars(overage.carried_cents)} of it saved from before)` : '') +
        `. ${price}.`;
  if (document.activeElement !== $('cap')) $('cap').value = cap === null ? '' : (cap / 100).toFixed(2);
  $('overage-off').hidden = cap === null;
  $('key-shown').textContent = key;
  $('webhook-secret').textContent = secret;
}

let refreshing;
function refreshAccount() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => void guarded(async () => showAccount(await api.account())), 150);
}

let rotations = 0;

/** Runs something that needs a valid key; an invalid one leads back to signing in. */
async function guarded(work, errorPlace) {
  const before = rotations;
  try {
    if (errorPlace !== undefined) errorPlace.textContent = '';
    return await work();
  } catch (problem) {
    // An answer to the key of before a rotation says nothing about the new one.
    if (problem.status === 401 && rotations !== before) return undefined;
    if (problem.status === 401) signOut('This key is no longer valid. Please sign in with the current one.');
    else if (errorPlace !== undefined) errorPlace.textContent = problem.message;
    else say(problem.message);
    return undefined;
  }
}

// ---- jobs --------------------------------------------------------------------------------------------------

function waitingText(job) {
  if (job.status === 'running' && job.progress !== undefined) {
    const { stage, step, steps } = job.progress;
    return `${STAGES[stage] ?? stage}${steps > 1 ? `, ${step} of ${steps}` : ''}`;
  }
  if (job.status === 'running') return 'Starting';
  return job.queue_position > 1 ? `Waiting, number ${job.queue_position} in line` : 'Waiting for a worker';
}

function thumbnail(job) {
  if (job.status === 'completed' && job.result_url !== undefined) {
    const button = element('button', {
      class: 'thumb',
      type: 'button',
      onclick: () => view(job.job_id),
      'aria-label': `Open: ${job.prompt ?? 'result'}`,
    });
    if (job.kind === 'image')
      button.append(element('img', { src: job.result_url, alt: '', loading: 'lazy' }));
    else {
      button.append(
        job.poster_url !== undefined
          ? element('img', { src: job.poster_url, alt: '', loading: 'lazy' })
          : element('video', {
              src: `${job.result_url}#t=0.1`,
              preload: 'metadata',
              muted: true,
              playsinline: true,
              tabindex: '-1',
            }),
      );
      button.append(element('span', { class: 'play' }));
    }
    return button;
  }
  const trouble = ['blocked', 'failed'].includes(job.status);
  const running = job.status === 'running';
  const text = trouble
    ? job.error
    : job.status === 'completed'
      ? 'Delivered without being kept'
      : job.status === 'cancelled'
        ? 'Cancelled'
        : waitingText(job);
  const wait = element('div', { class: 'wait' }, element('span', {}, text));
  if (running) wait.append(track(job.progress?.fraction ?? 0, 'Progress', false));
  return element('div', { class: `thumb ${running ? 'running' : ''} ${trouble ? 'trouble' : ''}` }, wait);
}

function card(job) {
  const over = !['queued', 'running'].includes(job.status);
  const remove = element(
    'button',
    {
      class: 'small',
      type: 'button',
      'aria-label': `${over ? 'Delete' : 'Cancel'}: ${job.prompt ?? job.kind}`,
      onclick: () => void purge(job.job_id),
    },
    over ? 'Delete' : 'Cancel',
  );
  const time = new Date(job.created_at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return element(
    'li',
    { class: 'job', 'data-job': job.job_id },
    thumbnail(job),
    element(
      'div',
      { class: 'job-text' },
      element(
        'p',
        { class: `job-prompt${job.prompt === undefined ? ' none' : ''}`, title: job.prompt },
        job.prompt ?? 'Prompt not kept',
      ),
      element(
        'div',
        { class: 'job-foot' },
        element(
          'span',
          {},
          element('span', { class: `badge ${job.status}` }, job.status),
          element('small', {}, time),
        ),
        remove,
      ),
    ),
  );
}

function showJob(job) {
  jobs.set(job.job_id, job);
  const old = document.querySelector(`[data-job="${job.job_id}"]`);
  const made = card(job);
  if (old === null) return made;
  // A progress message must not take the focus from a button somebody is about to press.
  const focused = old.contains(document.activeElement) ? document.activeElement.className : undefined;
  old.replaceWith(made);
  if (focused !== undefined)
    (made.querySelector(`[class="${focused}"]`) ?? made.querySelector('button'))?.focus();
  return made;
}

function place(job, where) {
  const made = showJob(job);
  if (!made.isConnected) $('jobs')[where](made);
  $('no-jobs').hidden = jobs.size > 0;
  if (['queued', 'running'].includes(job.status)) followJob(job.job_id);
}

function followJob(id) {
  if (following.has(id)) return;
  const stop = new AbortController();
  following.set(id, stop);
  void api
    .follow(
      id,
      ({ type, data }) => {
        const known = jobs.get(id);
        if (known === undefined) return;
        showJob({ ...known, ...data });
        if (type === 'end') say(`Job ${data.status}${known.prompt === undefined ? '' : `: ${known.prompt}`}`);
      },
      stop.signal,
    )
    .finally(() => {
      following.delete(id);
      refreshAccount();
    });
}

async function loadJobs(before) {
  const page = await api.jobs(before);
  for (const job of page.jobs) place(job, 'append');
  next = page.next;
  $('more').hidden = next === undefined;
  $('no-jobs').hidden = jobs.size > 0;
}

async function purge(id) {
  const job = jobs.get(id);
  const over = !['queued', 'running'].includes(job.status);
  if (
    over &&
    !(await ask({
      title: 'Delete this result?',
      text: 'Its file is removed from storage at once and for good.',
      yes: 'Delete',
    }))
  )
    return;
  await guarded(async () => {
    await api.purge(id);
    following.get(id)?.abort();
    jobs.delete(id);
    document.querySelector(`[data-job="${id}"]`)?.remove();
    $('no-jobs').hidden = jobs.size > 0;
    say(over ? 'Deleted' : 'Cancelled');
    refreshAccount();
  });
}

async function view(id) {
  // Links live for 24 hours, tabs sometimes longer: a fresh one each time.
  const fresh = await guarded(() => api.job(id));
  if (fresh === undefined) return;
  const job = { ...jobs.get(id), ...fresh };
  const media =
    job.kind === 'image'
      ? element('img', { src: job.result_url, alt: job.prompt ?? 'The generated picture' })
      : element('video', {
          src: job.result_url,
          controls: true,
          autoplay: true,
          loop: true,
          playsinline: true,
          ...(job.poster_url === undefined ? {} : { poster: job.poster_url }),
        });
  $('viewer-media').replaceChildren(media);
  $('viewer-title').textContent = job.prompt ?? 'Result';
  const facts = [
    job.width && `${job.width} × ${job.height}`,
    job.bytes && `${(job.bytes / 1024).toFixed(0)} KiB`,
    job.seed !== undefined && `seed ${job.seed}`,
  ];
  $('viewer-facts').textContent = facts.filter(Boolean).join(' · ');
  $('viewer-download').href = job.result_url;
  $('viewer').showModal();
}

// ---- create ------------------------------------------------------------------------------------------------

const kind = () => new FormData($('create')).get('kind');

function showKind() {
  const chosen = kind();
  const max = chosen === 'video' ? '2560' : '2048';
  for (const field of ['width', 'height']) $(field).max = max;
  $('size').replaceChildren(
    ...SIZES[chosen].map(([name, width, height]) =>
      element('option', { value: `${width}x${height}` }, `${name} · ${width} × ${height}`),
    ),
    element('option', { value: 'own', hidden: true }, 'Your own size'),
  );
  for (const part of document.querySelectorAll('.only-video')) part.hidden = chosen !== 'video';
  for (const part of document.querySelectorAll('.only-image')) part.hidden = chosen !== 'image';
  $('create-button').textContent = chosen === 'video' ? 'Create film' : 'Create picture';
  takeSize();
}

function takeSize() {
  const [width, height] = $('size').value.split('x');
  if (height === undefined) return;
  $('width').value = width;
  $('height').value = height;
}

function matchSize() {
  const wanted = `${$('width').value}x${$('height').value}`;
  $('size').value = [...$('size').options].some((option) => option.value === wanted) ? wanted : 'own';
}

function showSeconds() {
  $('seconds').textContent =
    `${($('length').value / FRAMES_PER_SECOND).toFixed(1)} s, ${$('length').value} frames`;
}

async function create(event) {
  event.preventDefault();
  const form = new FormData($('create'));
  const chosen = form.get('kind');
  const body = {
    prompt: form.get('prompt'),
    width: Number(form.get('width')),
    height: Number(form.get('height')),
  };
  if (form.get('seed') !== '') body.seed = Number(form.get('seed'));
  if (chosen === 'video') body.length = Number(form.get('length'));
  if (chosen === 'image' && form.get('negative') !== '') body.negative = form.get('negative');
  $('create-button').disabled = true;
  await guarded(async () => {
    let made;
    try {
      made = await api.create(chosen, body);
    } catch (problem) {
      // Queued although nobody can work on it yet.
      if (problem.status !== 503 || problem.body?.job_id === undefined) throw problem;
      $('create-error').textContent = problem.message;
      made = { job_id: problem.body.job_id, status: 'queued', kind: chosen };
    }
    place({ ...made, prompt: body.prompt, created_at: new Date().toISOString() }, 'prepend');
    say('Queued');
    refreshAccount();
  }, $('create-error'));
  $('create-button').disabled = false;
}

// ---- signing in and out ------------------------------------------------------------------------------------

async function signIn(key) {
  const candidate = new Api(key);
  const account = await candidate.account();
  api = candidate;
  sessionStorage.setItem(STORED_KEY, key);
  $('signed-out').hidden = true;
  $('signed-in').hidden = $('sign-out').hidden = false;
  showAccount(account);
  await loadJobs();
}

function signOut(reason = '') {
  for (const stop of following.values()) stop.abort();
  following = new Map();
  jobs = new Map();
  api = undefined;
  sessionStorage.removeItem(STORED_KEY);
  $('jobs').replaceChildren();
  $('signed-in').hidden = $('sign-out').hidden = true;
  $('signed-out').hidden = false;
  $('sign-in-error').textContent = reason;
  $('key').value = '';
  $('key').focus();
}

async function rotate() {
  const sure = await ask({
    title: 'Rotate the API key?',
    text: 'The current key stops working at once, everywhere it is used. The new one is shown only this time.',
    yes: 'Rotate',
  });
  if (!sure) return;
  await guarded(async () => {
    const { api_key: key } = await api.rotate();
    api.key = key;
    rotations += 1;
    sessionStorage.setItem(STORED_KEY, key);
    await ask({
      title: 'Your new API key',
      text: 'Copy it now: it cannot be shown again.',
      code: key,
      yes: 'I have saved it',
      no: '',
    });
    refreshAccount();
  });
}

function saveOverage(cents) {
  return guarded(async () => showAccount(await api.setOverage(cents)), $('overage-error'));
}

function switchTheme() {
  const dark =
    getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    (document.documentElement.dataset.theme === undefined &&
      matchMedia('(prefers-color-scheme: dark)').matches);
  const theme = dark ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  localStorage.setItem('zsky-theme', theme);
}

const theme = localStorage.getItem('zsky-theme');
if (theme !== null) document.documentElement.dataset.theme = theme;

$('theme').addEventListener('click', switchTheme);
$('sign-out').addEventListener('click', () => signOut());
$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  signIn($('key').value.trim()).catch((problem) => {
    $('sign-in-error').textContent = problem.message;
  });
});
$('create').addEventListener('submit', (event) => void create(event));
$('create').addEventListener('change', (event) => {
  if (event.target.name === 'kind') showKind();
});
$('prompt').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('create').requestSubmit();
});
$('size').addEventListener('change', takeSize);
for (const field of ['width', 'height']) $(field).addEventListener('input', matchSize);
$('length').addEventListener('input', showSeconds);
$('more').addEventListener('click', () => void guarded(() => loadJobs(next)));
$('rotate').addEventListener('click', () => void rotate());
$('overage').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('cap').value;
  void saveOverage(text === '' ? null : Math.round(Number(text) * 100));
});
$('overage-off').addEventListener('click', () => void saveOverage(null));
document.querySelector('[data-close]').addEventListener('click', () => $('viewer').close());
$('viewer').addEventListener('close', () => $('viewer-media').replaceChildren());
$('viewer').addEventListener('click', (event) => {
  if (event.target === $('viewer')) $('viewer').close();
});

showKind();
showSeconds();
const stored = sessionStorage.getItem(STORED_KEY);
if (stored === null) signOut();
else signIn(stored).catch((problem) => signOut(problem.message));
