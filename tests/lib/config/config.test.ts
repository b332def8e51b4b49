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
    [{ PORT: 'three' }, 'PORT'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ SPIKESCOPE_REQUIRE_TOKENS: 'perhaps' }, 'SPIKESCOPE_REQUIRE_TOKENS'],
    [{ INGEST_URL: 'nowhere' }, 'INGEST_URL'],
    [{ DATABASE_URL: '' }, 'DATABASE_URL'],
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

  it('takes the statistics backends by name and no other', () => {
    expect(parseIngestConfig({ ...base, STATISTICS_BACKEND: 'webgpu' }).statisticsBackend).toBe(
      'webgpu',
    );
    expect(() => parseIngestConfig({ ...base, STATISTICS_BACKEND: 'cuda' })).toThrow(
      /STATISTICS_BACKEND/,
    );
  });
});
