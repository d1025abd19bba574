import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, until, type TestApi } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { findChromium } from '../support/chromium.js';
import { startStandInNode, type StandInNode } from '../support/stand-in-node.js';

const executablePath = findChromium();
if (executablePath === undefined) {
  console.warn('The console is not tested: no Chromium here. Install it with: apt-get install chromium');
}

describe.skipIf(executablePath === undefined)('the console in a real browser', () => {
  let broker: PrivateBroker;
  let api: TestApi;
  let node: StandInNode;
  let browser: Browser;
  let page: Page;
  let key: string;
  const troubles: string[] = [];

  beforeAll(async () => {
    broker = await startBroker();
    api = await startTestApi(broker.url);
    const bytes = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#348' } })
      .webp()
      .toBuffer();
    const media = { image: { bytes, type: 'image/webp', width: 64, height: 48 } };
    node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store, media });
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  });
  beforeEach(async () => {
    node.script = async () => 'complete';
    ({ key } = await api.newAccount('Ada'));
    await page?.close();
    page = await browser.newPage();
    troubles.length = 0;
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  });
  afterAll(async () => {
    await browser?.close();
    await node?.stop();
    await api?.close();
    await broker?.stop();
  });

  async function signIn(): Promise<void> {
    await page.goto(api.api.url);
    await page.getByRole('textbox', { name: 'API key' }).fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Usage' }).waitFor();
  }

  it('refuses a wrong key in words', async () => {
    await page.goto(api.api.url);
    await page.getByRole('textbox', { name: 'API key' }).fill('zsky_live_wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The API key is not valid').waitFor();
    expect(await page.getByRole('heading', { name: 'Usage' }).isVisible()).toBe(false);
  });

  it('makes a picture with the keyboard alone, shows its progress, its thumbnail and the picture', async () => {
    let finish = (): void => undefined;
    node.script = async (_job, tools) => {
      tools.progress(0.4);
      await new Promise<void>((resolve) => (finish = resolve));
      return 'complete';
    };
    await signIn();
    await page.getByRole('textbox', { name: 'Prompt' }).focus();
    await page.keyboard.type('A lighthouse by a black sea');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Drawing, 4 of 10').waitFor();
    await page.getByRole('progressbar', { name: 'Jobs at once: 1 of 3' }).waitFor();
    await until(
      async () =>
        (await page.getByRole('progressbar', { name: 'Progress' }).getAttribute('aria-valuenow')) === '40',
    );
    finish();
    const thumbnail = page.getByRole('button', { name: 'Open: A lighthouse by a black sea' });
    await thumbnail.waitFor();
    await until(() =>
      thumbnail.locator('img').evaluate((image: { naturalWidth: number }) => image.naturalWidth === 64),
    );
    await page.getByText('1 of 1,000').waitFor();
    await thumbnail.focus();
    await page.keyboard.press('Enter');
    const viewer = page.getByRole('dialog');
    await viewer.getByText(/64 × 48 .* seed \d+/).waitFor();
    expect(await viewer.getByRole('link', { name: 'Download' }).getAttribute('href')).toContain('/files/');
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    expect(troubles).toEqual([]);
  });

  it('asks for a film with its own fields', async () => {
    await signIn();
    await page.getByText('Film with sound').click();
    await page.getByText('5.0 s, 121 frames').waitFor();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Waves');
    await page.getByRole('button', { name: 'Create film' }).click();
    await page.getByRole('button', { name: 'Open: Waves' }).waitFor();
    expect(node.taken.at(-1)?.request).toMatchObject({
      kind: 'video',
      width: 1280,
      height: 720,
      length: 121,
    });
  });

  it('shows why a prompt was refused and why a result was blocked', async () => {
    await signIn();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('something forbidden');
    await page.getByRole('button', { name: 'Create picture' }).click();
    await page.getByText('our safety check stopped this prompt').waitFor();
    node.script = async () => 'block';
    await page.getByRole('textbox', { name: 'Prompt' }).fill('something else');
    await page.getByRole('button', { name: 'Create picture' }).click();
    await page.getByText('our safety check stopped this image').waitFor();
  });

  it('sets the overage budget, deletes a result and rotates the key, which is shown once', async () => {
    await signIn();
    await page.getByLabel('Monthly budget in dollars').fill('50');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('$50.00 left').waitFor();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('A red door');
    await page.getByRole('button', { name: 'Create picture' }).click();
    await page.getByRole('button', { name: 'Open: A red door' }).waitFor();
    await page.getByRole('button', { name: 'Delete: A red door' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Nothing here yet').waitFor();
    await page.getByRole('button', { name: 'Rotate key' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    const shown = page.getByRole('dialog').locator('code');
    await shown.getByText(/zsky_live_/).waitFor();
    const fresh = await shown.textContent();
    expect((await api.call('GET', '/v1/usage', { key })).status).toBe(401);
    expect((await api.call('GET', '/v1/usage', { key: fresh ?? '' })).status).toBe(200);
    await page.getByRole('button', { name: 'I have saved it' }).click();
    await page.reload();
    await page.getByRole('heading', { name: 'Usage' }).waitFor();
  });

  it('shows the API reference, made from the served document', async () => {
    await page.goto(`${api.api.url}/docs`);
    await page.getByRole('heading', { name: '/v1/images/generate' }).waitFor();
    await page.getByRole('cell', { name: 'monthly_allowance_reached' }).waitFor();
    expect(troubles).toEqual([]);
  });
});
