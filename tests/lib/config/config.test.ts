import { describe, expect, it } from 'vitest';
import { ConfigError, parseApiConfig, parseIngestConfig } from '@/lib/config/config';

const base = {
  DATABASE_URL: 'postgres://localhost/x',
  INGEST_PORT: '4001',
  INGEST_URL: 'http://127.0.0.1:4001',
  WEB_URL: 'http://127.0.0.1:4002',
};

describe('configuration', () => {
  it('defaults to this machine alone, without tokens', () => {
    expect(parseApiConfig(base)).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      requireTokens: false,
      allowedHosts: [],
    });
    expect(parseIngestConfig(base)).toMatchObject({ ingestPort: 4001, statisticsBackend: 'auto' });
  });

  it.each(['0.0.0.0', '10.0.0.4', '::', 'training-box'])(
    'refuses HOST=%s unless tokens are required',
    (HOST) => {
      expect(() => parseApiConfig({ ...base, HOST })).toThrow(/SPIKESCOPE_REQUIRE_TOKENS/);
      expect(parseApiConfig({ ...base, HOST, SPIKESCOPE_REQUIRE_TOKENS: 'true' }).host).toBe(HOST);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])(
    'serves HOST=%s without tokens',
    (HOST) => {
      expect(parseApiConfig({ ...base, HOST }).requireTokens).toBe(false);
    },
  );

  it.each([
    [{ PORT: '70000' }, 'PORT'],
    [{ PORT: 'three' }, 'PORT: expected a number from 1 to 65535'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ SPIKESCOPE_REQUIRE_TOKENS: 'perhaps' }, 'SPIKESCOPE_REQUIRE_TOKENS'],
    [{ INGEST_URL: 'nowhere' }, 'INGEST_URL'],
    [{ DATABASE_URL: '' }, 'DATABASE_URL'],
    [{ DATABASE_URL: 'db.example.org' }, 'DATABASE_URL: expected a URL such as postgres://'],
  ])('refuses %j and names the setting', (settings, name) => {
    expect(() => parseApiConfig({ ...base, ...settings })).toThrow(ConfigError);
    expect(() => parseApiConfig({ ...base, ...settings })).toThrow(name);
  });

  it('reads allowed hosts as a list', () => {
    expect(
      parseApiConfig({ ...base, SPIKESCOPE_ALLOWED_HOSTS: ' a.example, b.example:8443 ,' })
        .allowedHosts,
    ).toEqual(['a.example', 'b.example:8443']);
  });

  it('reads the origins that may frame a page, and refuses what is none', () => {
    expect(parseApiConfig(base).embedOrigins).toEqual([]);
    const SPIKESCOPE_EMBED_ORIGINS = 'https://wiki.example.org, http://localhost:8080';
    expect(parseApiConfig({ ...base, SPIKESCOPE_EMBED_ORIGINS }).embedOrigins).toEqual([
      'https://wiki.example.org',
      'http://localhost:8080',
    ]);
    for (const fault of ['wiki.example.org', '*', "https://a.example; script-src 'none'"]) {
      expect(() => parseApiConfig({ ...base, SPIKESCOPE_EMBED_ORIGINS: fault })).toThrow(
        'SPIKESCOPE_EMBED_ORIGINS',
      );
    }
  });

  it('has messages lead to where the product is bound, unless it is told where people reach it', () => {
    const urlOf = (settings: object) =>
      parseIngestConfig({ ...base, SPIKESCOPE_REQUIRE_TOKENS: 'true', ...settings }).alerts
        .publicUrl;
    expect(urlOf({})).toBe('http://127.0.0.1:3000');
    expect(urlOf({ HOST: '0.0.0.0', PORT: '80' })).toBe('http://localhost:80');
    expect(urlOf({ HOST: '::' })).toBe('http://localhost:3000');
    expect(urlOf({ HOST: '2001:db8::1' })).toBe('http://[2001:db8::1]:3000');
    expect(urlOf({ SPIKESCOPE_PUBLIC_URL: 'https://spikes.example.org/a/' })).toBe(
      'https://spikes.example.org/a',
    );
    expect(() => urlOf({ SPIKESCOPE_PUBLIC_URL: 'spikes.example.org' })).toThrow(
      /SPIKESCOPE_PUBLIC_URL: expected an http or https URL/,
    );
  });

  it('sends mail with a server and a sender, and asks for both', () => {
    const SPIKESCOPE_SMTP_URL = 'smtps://me:word@mail.example.org:465';
    const SPIKESCOPE_MAIL_FROM = 'spikes@example.org';
    expect(parseIngestConfig(base).alerts.mail).toBeNull();
    expect(parseApiConfig(base).canSendEmail).toBe(false);
    const whole = { ...base, SPIKESCOPE_SMTP_URL, SPIKESCOPE_MAIL_FROM };
    expect(parseIngestConfig(whole).alerts.mail).toEqual({
      smtpUrl: SPIKESCOPE_SMTP_URL,
      from: SPIKESCOPE_MAIL_FROM,
    });
    expect(parseApiConfig(whole).canSendEmail).toBe(true);
    expect(() => parseIngestConfig({ ...base, SPIKESCOPE_SMTP_URL })).toThrow(
      /SPIKESCOPE_MAIL_FROM must say whom mail comes from/,
    );
    for (const [fault, name] of [
      [{ SPIKESCOPE_SMTP_URL: 'mail.example.org' }, 'SPIKESCOPE_SMTP_URL'],
      [{ SPIKESCOPE_SMTP_URL: 'http://mail.example.org' }, 'SPIKESCOPE_SMTP_URL'],
      [{ SPIKESCOPE_MAIL_FROM: 'Spikes <a@b.org>\r\nBcc: c@d.org' }, 'SPIKESCOPE_MAIL_FROM'],
    ] as const) {
      expect(() => parseIngestConfig({ ...whole, ...fault })).toThrow(name);
    }
  });

  it('reads the hosts that messages may go to, and refuses what is none', () => {
    const hostsOf = (SPIKESCOPE_ALERT_ALLOWED_HOSTS: string) =>
      parseIngestConfig({ ...base, SPIKESCOPE_ALERT_ALLOWED_HOSTS }).alerts.allowedHosts;
    expect(parseIngestConfig(base).alerts.allowedHosts).toEqual([]);
    expect(hostsOf('chat.lan, 10.0.0.7:8065,[::1]:80')).toEqual([
      ...['chat.lan', '10.0.0.7:8065', '[::1]:80'],
    ]);
    for (const fault of [
      'http://chat.lan',
      '10.0.0.0/8',
      '::1',
      'a b',
      'chat.lan:',
      'me@chat.lan',
    ]) {
      expect(() => hostsOf(fault), fault).toThrow('SPIKESCOPE_ALERT_ALLOWED_HOSTS');
    }
  });

  it('takes the statistics backends by name and no other', () => {
    expect(parseIngestConfig({ ...base, STATISTICS_BACKEND: 'webgpu' }).statisticsBackend).toBe(
      'webgpu',
    );
    expect(() => parseIngestConfig({ ...base, STATISTICS_BACKEND: 'cuda' })).toThrow(
      /STATISTICS_BACKEND/,
    );
  });
});
