import { describe, expect, it } from 'vitest';
import { hasPrivateHost, isPrivateAddress } from './private-address.js';

describe('private addresses', () => {
  it('are recognised in every spelling', () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.255.255',
      '192.168.0.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1',
      'fc00::1',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'not an address',
    ]) {
      expect(isPrivateAddress(address), address).toBe(true);
    }
  });

  it('are not the public ones', () => {
    for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111']) {
      expect(isPrivateAddress(address), address).toBe(false);
    }
  });

  it('are found behind the number forms that URLs allow', () => {
    for (const url of [
      'http://localhost/x',
      'http://a.localhost/',
      'http://intranet/',
      'http://0x7f.1/',
      'http://2130706433/',
      'http://017700000001/',
      'http://[::1]:80/',
      'http://[::ffff:7f00:1]/',
      'http://127.0.0.1./',
    ]) {
      expect(hasPrivateHost(url), url).toBe(true);
    }
    expect(hasPrivateHost('https://hooks.example.com/x')).toBe(false);
  });
});
